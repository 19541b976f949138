using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Solver;

namespace OpenCloud.Build.Client.Tests.Progress;

/// <summary>Status streams of real builds, as buildctl's --progress=rawjson wrote them: while they ran (live) and from the history.</summary>
internal static class RecordedStatus
{
    public static IEnumerable<StatusResponse> Read(string name)
    {
        using Stream stream = typeof(RecordedStatus).Assembly.GetManifestResourceStream($"{name}.jsonl")!;
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is { } line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            yield return Parse(document.RootElement);
        }
    }

    public static List<string> Log(string name)
    {
        BuildModel model = new();
        List<string> lines = [];
        BuildLogWriter writer = new(lines.Add);
        foreach (StatusResponse response in Read(name))
        {
            model.Apply(response).ForEach(writer.Write);
        }

        model.Complete().ForEach(writer.Write);
        return lines;
    }

    public static string Text(string name)
    {
        using Stream stream = typeof(RecordedStatus).Assembly.GetManifestResourceStream(name)!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private static StatusResponse Parse(JsonElement message) => new()
    {
        Vertexes =
        {
            List(message, "vertexes").Select(static v => new Vertex
            {
                Digest = Text(v, "digest"),
                Name = Text(v, "name"),
                Inputs = { List(v, "inputs").Select(static i => i.GetString()) },
                Cached = v.TryGetProperty("cached", out JsonElement cached) && cached.GetBoolean(),
                Started = Time(v, "started"),
                Completed = Time(v, "completed"),
                Error = Text(v, "error"),
            }),
        },
        Statuses =
        {
            List(message, "statuses").Select(static s => new VertexStatus
            {
                Id = Text(s, "id"),
                Vertex = Text(s, "vertex"),
                Current = Number(s, "current"),
                Total = Number(s, "total"),
                Timestamp = Time(s, "timestamp"),
                Started = Time(s, "started"),
                Completed = Time(s, "completed"),
            }),
        },
        Logs =
        {
            List(message, "logs").Select(static l => new VertexLog
            {
                Vertex = Text(l, "vertex"),
                Stream = Number(l, "stream"),
                Timestamp = Time(l, "timestamp"),
                Msg = ByteString.CopyFrom(l.GetProperty("data").GetBytesFromBase64()),
            }),
        },
        Warnings =
        {
            List(message, "warnings").Select(static w => new VertexWarning
            {
                Vertex = Text(w, "vertex"),
                Level = Number(w, "level"),
                Short = ByteString.CopyFrom(w.GetProperty("short").GetBytesFromBase64()),
                Info = new SourceInfo { Filename = w.TryGetProperty("sourceInfo", out JsonElement info) ? Text(info, "filename") : string.Empty },
                Ranges = { List(w, "range").Select(static r => new Client.Protocol.Solver.Range { Start = new Position { Line = (int)Number(r.GetProperty("start"), "line") } }) },
            }),
        },
    };

    private static IEnumerable<JsonElement> List(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [];

    private static string Text(JsonElement parent, string name) => parent.TryGetProperty(name, out JsonElement text) ? text.GetString() ?? string.Empty : string.Empty;

    private static long Number(JsonElement parent, string name) => parent.TryGetProperty(name, out JsonElement number) ? number.GetInt64() : 0;

    private static Timestamp? Time(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement time) && time.ValueKind == JsonValueKind.String ? Timestamp.FromDateTimeOffset(time.GetDateTimeOffset()) : null;
}
