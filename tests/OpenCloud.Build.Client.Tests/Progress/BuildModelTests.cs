using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Progress;

public sealed class BuildModelTests
{
    private static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    [Fact]
    public void AStepRunsAndEnds()
    {
        BuildModel model = new();
        Assert.Empty(model.Apply(new StatusResponse { Vertexes = { new Vertex { Digest = "a", Name = "[1/2] COPY" } } }));
        Assert.IsType<StepStarted>(Assert.Single(model.Apply(With(Running("a", 0)))));
        Assert.True(model.Steps[0].IsRunning);
        Assert.IsType<StepCompleted>(Assert.Single(model.Apply(With(Ended("a", 0, 2)))));

        BuildStep step = Assert.Single(model.Steps);
        Assert.False(step.IsRunning);
        Assert.Equal("[1/2] COPY", step.Name);
        Assert.Equal(TimeSpan.FromSeconds(2), step.Duration);
        Assert.Equal(1, model.CompletedCount);
        Assert.Null(model.FailedStep);
    }

    [Fact]
    public void AStepThatRunsTwiceIsCountedTwice()
    {
        BuildModel model = new();
        model.Apply(With(Running("a", 0)));
        model.Apply(With(Ended("a", 0, 2)));
        model.Apply(With(Running("a", 5)));
        Assert.True(model.Steps[0].IsRunning);
        model.Apply(With(Ended("a", 5, 6)));
        Assert.Equal(TimeSpan.FromSeconds(3), model.Steps[0].Duration);
    }

    [Fact]
    public void TheSameMessageAgainChangesNothing()
    {
        BuildModel model = new();
        model.Apply(With(Running("a", 0)));
        model.Apply(With(Ended("a", 0, 2)));
        Assert.Empty(model.Apply(With(Ended("a", 0, 2))));
        Assert.Equal(TimeSpan.FromSeconds(2), model.Steps[0].Duration);
    }

    [Fact]
    public void LinesComeBeforeTheEndOfTheirStepAlsoInOneMessage()
    {
        BuildModel model = new();
        model.Apply(With(Running("a", 0)));
        StatusResponse last = With(Ended("a", 0, 1));
        last.Logs.Add(new VertexLog { Vertex = "a", Stream = 2, Msg = ByteString.CopyFromUtf8("no line end"), Timestamp = At(1) });
        List<BuildEvent> events = model.Apply(last);
        StepLogged logged = Assert.IsType<StepLogged>(events[0]);
        Assert.Equal("no line end", logged.Line);
        Assert.True(logged.IsError);
        Assert.IsType<StepCompleted>(events[1]);
        Assert.Equal(["no line end"], model.Steps[0].LogTail);
    }

    [Fact]
    public void OnlyTheLastLinesAreKept()
    {
        BuildModel model = new();
        for (int i = 0; i < 200; i++)
        {
            model.Apply(new StatusResponse { Logs = { new VertexLog { Vertex = "a", Stream = 1, Msg = ByteString.CopyFromUtf8($"line {i}\n") } } });
        }

        Assert.Equal(50, model.Steps[0].LogTail.Count);
        Assert.Equal("line 199", model.Steps[0].LogTail.Last());
    }

    [Fact]
    public void TheStepThatFailedIsNotOneThatWasGivenUp()
    {
        BuildModel model = new();
        Vertex givenUp = Ended("a", 0, 1);
        givenUp.Error = "process did not complete: context canceled";
        Vertex failed = Ended("b", 0, 1);
        failed.Error = "exit code: 3";
        model.Apply(new StatusResponse { Vertexes = { givenUp, failed } });
        Assert.Equal("b", model.FailedStep!.Digest);
        Assert.True(model.Find("a")!.IsCancelled);
    }

    [Fact]
    public void AWarningIsToldOnce()
    {
        BuildModel model = new();
        VertexWarning warning = new()
        {
            Vertex = "a",
            Level = 1,
            Short = ByteString.CopyFromUtf8("FromAsCasing: 'as' and 'FROM' keywords' casing do not match"),
            Detail = { ByteString.CopyFromUtf8("The 'as' keyword should match") },
            Url = "https://example.test/rule",
            Info = new() { Filename = "Dockerfile" },
            Ranges = { new Client.Protocol.Solver.Range { Start = new() { Line = 4 }, End = new() { Line = 4 } } },
        };
        StatusResponse response = new() { Warnings = { warning } };
        Assert.Single(model.Apply(response));
        Assert.Empty(model.Apply(response));
        BuildWarning made = Assert.Single(model.Warnings);
        Assert.Equal("Dockerfile:4: FromAsCasing: 'as' and 'FROM' keywords' casing do not match", made.ToString());
    }

    private static StatusResponse With(Vertex vertex) => new() { Vertexes = { vertex } };

    private static Vertex Running(string digest, int start) => new() { Digest = digest, Started = At(start) };

    private static Vertex Ended(string digest, int start, int end) => new() { Digest = digest, Started = At(start), Completed = At(end) };

    private static Timestamp At(int second) => Timestamp.FromDateTime(Start.AddSeconds(second));
}
