using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Progress;

public sealed class BuildLogWriterTests
{
    private static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    [Fact]
    public void ABuildReadsAsText()
    {
        BuildModel model = new();
        List<string> lines = [];
        BuildLogWriter writer = new(lines.Add);

        void Take(StatusResponse response)
        {
            foreach (BuildEvent happened in model.Apply(response))
            {
                writer.Write(happened);
            }
        }

        Take(new() { Vertexes = { new Vertex { Digest = "a", Name = "[1/2] COPY", Started = At(0) }, new Vertex { Digest = "b", Name = "[2/2] RUN", Started = At(0) } } });
        Take(new() { Logs = { new VertexLog { Vertex = "b", Stream = 1, Timestamp = At(1.5), Msg = ByteString.CopyFromUtf8("hello\nwor") } } });
        Take(new() { Statuses = { new VertexStatus { Vertex = "a", Id = "transferring context:", Current = 300, Completed = At(1) } } });
        Take(new() { Vertexes = { new Vertex { Digest = "a", Started = At(0), Completed = At(0), Cached = true } } });
        Take(new()
        {
            Logs = { new VertexLog { Vertex = "b", Stream = 1, Timestamp = At(2), Msg = ByteString.CopyFromUtf8("ld") } },
            Vertexes = { new Vertex { Digest = "b", Started = At(0), Completed = At(2.04), Error = "exit code: 1" } },
        });

        Assert.Equal(
            [
                "#1 [1/2] COPY",
                "#2 [2/2] RUN",
                "#2 1.500 hello",
                "#1 transferring context: 300 B done",
                "#1 CACHED",
                "#2 2.040 world",
                "#2 ERROR: exit code: 1",
            ],
            lines);
    }

    private static Timestamp At(double second) => Timestamp.FromDateTime(Start.AddSeconds(second));
}
