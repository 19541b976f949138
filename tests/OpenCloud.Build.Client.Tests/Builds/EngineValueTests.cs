using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Wire;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Builds;

/// <summary>Values that an engine chooses: whatever they are, no bare exception comes of them.</summary>
public class EngineValueTests
{
    [Theory]
    [InlineData(long.MaxValue, 0)]
    [InlineData(long.MinValue, 0)]
    [InlineData(253_402_300_800, 0)]
    [InlineData(0, -1)]
    [InlineData(0, int.MaxValue)]
    public void Times_out_of_range_are_no_times(long seconds, int nanos)
    {
        Timestamp time = new() { Seconds = seconds, Nanos = nanos };
        Assert.Null(time.ToTime());
        BuildModel model = new();
        model.Apply(new StatusResponse
        {
            Vertexes = { new Vertex { Digest = "d", Name = "n", Started = time, Completed = time } },
            Statuses = { new VertexStatus { Vertex = "d", Id = "i", Completed = time } },
            Logs = { new VertexLog { Vertex = "d", Timestamp = time, Msg = ByteString.CopyFromUtf8("x\n") } },
        });
        Assert.Equal("x", Assert.Single(model.Steps[0].GetLogLines()));
    }

    [Fact]
    public void Durations_do_not_overflow()
    {
        BuildModel model = new();
        for (int i = 0; i < 20; i++)
        {
            model.Apply(new StatusResponse
            {
                Vertexes = { new Vertex { Digest = "d", Started = new Timestamp { Seconds = -62_135_596_800 + i }, Completed = new Timestamp { Seconds = 253_402_300_799 - i } } },
            });
        }

        Assert.InRange(model.Steps[0].Duration, TimeSpan.FromDays(3_652_058), TimeSpan.MaxValue);
        Assert.Equal(long.MaxValue, BuildCacheTotals.Of([Record(long.MaxValue), Record(long.MaxValue)]).Size);

        static BuildCacheRecord Record(long size) => new() { Id = "i", Address = "e", Size = size };
    }

    [Fact]
    public void What_is_shown_is_plain()
    {
        BuildModel model = new();
        List<BuildEvent> events = model.Apply(new StatusResponse
        {
            Vertexes = { new Vertex { Digest = "d", Name = "[1/1] \u001b[31mRUN\a x\ny", Error = "\u001b]0;t\aboom" } },
            Logs = { new VertexLog { Vertex = "d", Msg = ByteString.CopyFromUtf8("10%\r100%\u001b[K\n") } },
            Warnings = { new VertexWarning { Vertex = "d", Short = ByteString.CopyFromUtf8("w\u001b[2J!"), Url = "u\a" } },
        });
        BuildStep step = Assert.Single(model.Steps);
        Assert.Equal("[1/1] RUN x y", step.Name);
        Assert.Equal("boom", step.Error);
        Assert.Equal("100%", Assert.Single(step.GetLogLines()));
        Assert.Equal(("w!", "u"), (model.Warnings[0].Message, model.Warnings[0].Url));
        Assert.Equal("10%\r100%\u001b[K", Assert.Single(events.OfType<StepLogged>()).Line);
        List<string> lines = [];
        BuildLogWriter writer = new(lines.Add);
        events.ForEach(writer.Write);
        Assert.All(lines, static line => Assert.DoesNotContain(line, char.IsControl));
    }

    [Fact]
    public void Pieces_are_handed_out_as_they_came()
    {
        byte[] bytes = [0xFF, 0x1B, (byte)'[', (byte)'m', 0x0D];
        BuildModel model = new() { KeepsPieces = true };
        StepWrote piece = Assert.IsType<StepWrote>(Assert.Single(model.Apply(new StatusResponse { Logs = { new VertexLog { Vertex = "d", Stream = 2, Msg = ByteString.CopyFrom(bytes) } } })));
        Assert.True(piece.IsError);
        Assert.Equal(bytes, piece.Bytes.ToArray());
    }

    [Fact]
    public void A_line_without_an_end_and_warnings_without_number_are_bounded()
    {
        LogLineAssembler lines = new(new StatusBudget());
        int length = 0;
        for (int i = 0; i < 64; i++)
        {
            length += lines.Append(new byte[256 * 1024]).Sum(static line => line.Length);
        }

        Assert.InRange(length, 8 << 20, 16 << 20);
        BuildModel model = new();
        Budget.Hold("warnings", TimeSpan.FromSeconds(2), 256L << 20, () =>
        {
            for (int i = 0; i < 100; i++)
            {
                StatusResponse response = new();
                response.Warnings.AddRange(Enumerable.Range(i * 1000, 1000).Select(static n => new VertexWarning { Vertex = "d", Short = ByteString.CopyFromUtf8($"w{n}") }));
                model.Apply(response);
            }
        });
        Assert.Equal(10_000, model.Warnings.Count);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("{\"sources\":1,\"warnings\":[{\"location\":{\"sourceIndex\":\"x\",\"ranges\":[{\"start\":{\"line\":\"y\"}}]}}],\"buildError\":[]}")]
    [InlineData("{\"warnings\":[{\"location\":{\"sourceIndex\":1e99,\"ranges\":[{\"start\":{\"line\":1.5}}]}}],\"buildError\":{\"location\":[]}}")]
    [InlineData("{\"targets\":[{\"name\":1,\"default\":\"x\"}],\"args\":[{\"name\":{}}]}")]
    [InlineData("{\"targets\":[{\"name\":\"\u00ff\"}],\"warnings\":[{\"detail\":\"\u0084\"}]}")]
    public void Answers_of_another_form_are_taken_for_empty(string json)
    {
        // In Latin-1, so that strings may be no UTF-8.
        using JsonDocument document = JsonDocument.Parse(System.Text.Encoding.Latin1.GetBytes(json));
        _ = DockerfileChecks.From(document.RootElement);
        _ = DockerfileOutline.From(document.RootElement);
        _ = DockerfileTarget.ListFrom(document.RootElement);
    }

    [Theory]
    [InlineData("{\"token\":\"\u009c\"}")]
    [InlineData("{\"token\":\"\\ud800\"}")]
    [InlineData("{\"token\":1}")]
    [InlineData("[]")]
    [InlineData("x")]
    public void A_token_that_is_no_text_is_none(string answer) =>
        Assert.ThrowsAny<JsonException>(() => TokenFetcher.Read(System.Text.Encoding.Latin1.GetBytes(answer)));

    [Theory]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"a\":\"\\ud800\"}")]
    [InlineData("[]")]
    [InlineData("{")]
    public void A_value_in_base64_that_cannot_be_opened_stays_as_it_is(string value)
    {
        string encoded = Convert.ToBase64String(System.Text.Encoding.Latin1.GetBytes(value));
        ImageBuildResult result = new() { Address = "e", ExporterResponse = new Dictionary<string, string> { ["k"] = encoded } };
        using JsonDocument document = JsonDocument.Parse(BuildMetadata.ToJson(result));
        Assert.Equal(encoded, document.RootElement.GetProperty("k").GetString());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"manifests\":[{\"annotations\":{\"a\":1,\"a\":2}}]}")]
    [InlineData("{\"manifests\":[{\"annotations\":{\"a\":\"\\ud800\"}}]}")]
    [InlineData("x")]
    public void An_index_that_is_none_is_an_io_error(string index)
    {
        using TemporaryDirectory place = new();
        File.WriteAllText(Path.Combine(place.Path, "index.json"), index);
        Assert.Throws<IOException>(() => new LayoutIndexFile(place.Path).Put(new System.Text.Json.Nodes.JsonObject { ["annotations"] = 1 }, ["latest"]));
    }

    [Fact]
    public void An_index_with_values_of_another_form_is_extended()
    {
        using TemporaryDirectory place = new();
        File.WriteAllText(Path.Combine(place.Path, "index.json"), "{\"manifests\":[{\"annotations\":{\"org.opencontainers.image.ref.name\":1}},{\"annotations\":[]}]}");
        new LayoutIndexFile(place.Path).Put(new System.Text.Json.Nodes.JsonObject { ["digest"] = "d", ["annotations"] = 1 }, ["latest"]);
        using JsonDocument index = JsonDocument.Parse(File.ReadAllText(Path.Combine(place.Path, "index.json")));
        Assert.Equal(3, index.RootElement.GetProperty("manifests").GetArrayLength());
    }

    [Fact]
    public void Steps_their_words_and_their_last_lines_are_bounded()
    {
        BuildModel model = new();
        string longName = new('n', 1024 * 1024);
        ByteString line = ByteString.CopyFromUtf8(new string('l', 5_000) + "\n");
        ByteString unfinished = ByteString.CopyFromUtf8(new string('u', 100_000));
        for (int i = 0; i < 300; i++)
        {
            string digest = $"d{i}";
            model.Apply(new StatusResponse
            {
                Vertexes = { new Vertex { Digest = digest, Name = longName, Error = longName } },
                Statuses = { new VertexStatus { Vertex = digest, Id = longName }, new VertexStatus { Vertex = digest, Id = "i" } },
                Logs = { Enumerable.Repeat(new VertexLog { Vertex = digest, Msg = line }, 50), new VertexLog { Vertex = digest, Stream = 2, Msg = unfinished } },
                Warnings = { new VertexWarning { Vertex = digest, Short = ByteString.CopyFromUtf8($"{i}{longName}"), Detail = { ByteString.CopyFromUtf8(longName) } } },
            });
        }

        long held = model.Steps.Sum(static s => (long)s.Name.Length + s.Error!.Length + s.GetLogLines().Sum(static l => l.Length) + s.GetStatuses().Sum(static p => p.Id.Length))
            + model.Warnings.Sum(static w => (long)w.Message.Length + w.Detail.Length);
        Assert.InRange(held, 32 << 20, 70 << 20);
        Assert.Equal(50, model.Steps[^1].GetLogLines().Count);
        Assert.All(model.Steps[^1].GetLogLines(), static l => Assert.InRange(l.Length, 1, 4096));

        StatusResponse many = new();
        for (int i = 0; i < 150_000; i++)
        {
            many.Vertexes.Add(new Vertex { Digest = $"m{i}" });
        }

        many.Vertexes.Add(new Vertex { Digest = longName });
        many.Logs.Add(new VertexLog { Vertex = "m149999", Msg = line });
        many.Statuses.Add(new VertexStatus { Vertex = "m149999", Id = "i" });
        many.Warnings.Add(new VertexWarning { Vertex = "m149999", Short = line });
        Assert.Empty(model.Apply(many));
        Assert.Equal(100_000, model.Steps.Count);
    }

    [Fact]
    public void Warnings_of_this_side_are_bounded()
    {
        int told = 0;
        BuildWarnings warnings = new(_ => told++);
        for (int i = 0; i < 5000; i++)
        {
            warnings.Add($"w{i}");
        }

        Assert.Equal((1000, 1000), (warnings.All.Count, told));
    }
}
