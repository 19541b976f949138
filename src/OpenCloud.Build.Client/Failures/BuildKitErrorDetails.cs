using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Failures;

/// <summary>
/// BuildKit's error details: details of the gRPC status whose type URLs are <c>github.com/moby/buildkit/errdefs.Source+json</c> and
/// similar, and whose values are JSON (solver/errdefs, util/grpcerrors and frontend/gateway/pb/exit.go; the same from v0.13 to v0.32).
/// An unknown or malformed detail is skipped: it never hides the error.
/// </summary>
internal sealed record BuildKitErrorDetails
{
    private const string Prefix = "github.com/moby/buildkit/";

    /// <summary>No details.</summary>
    public static BuildKitErrorDetails None { get; } = new();

    /// <summary>Locations in source files, the innermost last.</summary>
    public IReadOnlyList<ErrorSource> Sources { get; private init; } = [];

    /// <summary>The digest of the failed vertex; null when not reported.</summary>
    public string? VertexDigest { get; private init => field = TerminalText.Name(value); }

    /// <summary>The exit code of the failed process; null when not reported. 255 also means that the exit code is unknown.</summary>
    public uint? ExitCode { get; private init; }

    /// <summary>A subrequest that the frontend does not support; null when there is none.</summary>
    public string? UnsupportedSubrequest { get; private init => field = TerminalText.Name(value); }

    /// <summary>A capability that the frontend lacks; null when there is none.</summary>
    public string? MissingFrontendCapability { get; private init => field = TerminalText.Name(value); }

    /// <summary>The failed frontend, for example <c>dockerfile.v0</c>; null when not reported.</summary>
    public string? Frontend { get; private init => field = TerminalText.Name(value); }

    /// <summary>The descriptions of the failed operation (<c>llb.customname</c> and others); empty when not reported.</summary>
    public IReadOnlyDictionary<string, string> OperationDescription { get; private init => field = TerminalText.Plain(value); } = new Dictionary<string, string>();

    /// <summary>Decodes the details of a call's error.</summary>
    public static BuildKitErrorDetails From(RpcException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return From(CallErrors.DetailsOf(error));
    }

    /// <summary>Decodes status details; never throws because of an invalid one.</summary>
    internal static BuildKitErrorDetails From(IEnumerable<Any> details)
    {
        BuildKitErrorDetails result = None;
        foreach (Any detail in details)
        {
            if (!detail.TypeUrl.StartsWith(Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            try
            {
                using JsonDocument json = JsonDocument.Parse(detail.Value.Memory);
                result = json.RootElement.ValueKind == JsonValueKind.Object ? result.With(detail.TypeUrl[Prefix.Length..], json.RootElement) : result;
            }
            catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
            {
                // Malformed: the status itself still reports the failure.
            }
        }

        return result;
    }

    private BuildKitErrorDetails With(string type, JsonElement json) => type switch
    {
        "errdefs.Source+json" when ReadSource(json) is { } source => this with { Sources = [.. Sources, source] },
        "errdefs.Vertex+json" => this with { VertexDigest = Text(json, "digest") ?? VertexDigest },
        "errdefs.Subrequest+json" => this with { UnsupportedSubrequest = Text(json, "name") ?? UnsupportedSubrequest },
        "errdefs.FrontendCap+json" => this with { MissingFrontendCapability = Text(json, "name") ?? MissingFrontendCapability },
        "errdefs.Frontend+json" => this with { Frontend = Text(json, "name") ?? Frontend },
        "gatewayapi.ExitMessage+json" => this with { ExitCode = ReadExitCode(json) },
        "errdefs.Solve+json" when ReadDescription(json) is { Count: > 0 } description => this with { OperationDescription = description },
        _ => this,
    };

    // Go omits a zero, so a message without a code means exit code 0. A malformed code means that it is unknown.
    private static uint? ReadExitCode(JsonElement json) =>
        !json.TryGetProperty("Code", out JsonElement code) ? 0
        : code.ValueKind == JsonValueKind.Number && code.TryGetUInt32(out uint exit) ? exit
        : null;

    private static ErrorSource? ReadSource(JsonElement json)
    {
        if (!json.TryGetProperty("info", out JsonElement info) || info.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        List<SourceRange> ranges = [];
        if (json.TryGetProperty("ranges", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement range in list.EnumerateArray())
            {
                (int startLine, int startCharacter) = Position(range, "start");
                (int endLine, int endCharacter) = Position(range, "end");
                if (startLine > 0)
                {
                    ranges.Add(new SourceRange(startLine, startCharacter, Math.Max(startLine, endLine), endCharacter));
                }
            }
        }

        byte[] data = info.TryGetProperty("data", out JsonElement bytes) && bytes.ValueKind == JsonValueKind.String && bytes.TryGetBytesFromBase64(out byte[]? decoded) ? decoded : [];
        return new ErrorSource(Text(info, "filename") ?? "", data, Text(info, "language") ?? "", ranges);
    }

    private static (int Line, int Character) Position(JsonElement range, string name) =>
        range.ValueKind == JsonValueKind.Object && range.TryGetProperty(name, out JsonElement position) && position.ValueKind == JsonValueKind.Object
            ? (Number(position, "line"), Number(position, "character"))
            : (0, 0);

    private static Dictionary<string, string> ReadDescription(JsonElement json) =>
        json.TryGetProperty("description", out JsonElement map) && map.ValueKind == JsonValueKind.Object
            ? map.EnumerateObject().Where(static p => p.Value.ValueKind == JsonValueKind.String).DistinctBy(static p => p.Name).ToDictionary(static p => p.Name, static p => p.Value.GetString()!)
            : [];

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : 0;
}
