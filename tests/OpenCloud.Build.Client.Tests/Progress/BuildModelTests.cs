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
        Assert.Empty(model.Apply(With(Ended("a", 0, 2))));
        Assert.IsType<StepCompleted>(Assert.Single(model.Complete()));

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
        last.Vertexes[0].Inputs.Add("b");
        last.Logs.Add(new VertexLog { Vertex = "a", Stream = 2, Msg = ByteString.CopyFromUtf8("no line end"), Timestamp = At(1) });
        List<BuildEvent> events = model.Apply(last);
        StepLogged logged = Assert.IsType<StepLogged>(events[0]);
        Assert.Equal("no line end", logged.Line);
        Assert.True(logged.IsError);
        Assert.IsType<StepCompleted>(events[1]);
        Assert.Equal(["no line end"], model.Steps[0].GetLogLines());
    }

    [Fact]
    public void AStepIsNumberedWhenItStarts()
    {
        BuildModel model = new();
        model.Apply(new StatusResponse { Vertexes = { new Vertex { Digest = "last", Inputs = { "first" } }, new Vertex { Digest = "first" }, new Vertex { Digest = "never" } } });
        Assert.Equal([0, 0, 0], model.Steps.Select(static s => s.Number));
        model.Apply(new StatusResponse { Vertexes = { Running("last", 3), Ended("first", 1, 2) } });
        Assert.Equal([("first", 1), ("last", 2), ("never", 0)], model.Steps.Select(static s => (s.Digest, s.Number)));

        // A later message that tells of an earlier start changes no number.
        model.Apply(With(Running("never", 0)));
        Assert.Equal([("first", 1), ("last", 2), ("never", 3)], model.Steps.Select(static s => (s.Digest, s.Number)));
    }

    [Fact]
    public void OfStepsThatStartTogetherAnInputComesFirst()
    {
        BuildModel model = new();
        model.Apply(new StatusResponse
        {
            Vertexes =
            {
                Ended("d", 1, 1, "b", "c"), Ended("c", 1, 1, "a"), Ended("b", 1, 1, "a"), Ended("a", 1, 1, "gone"),
                Ended("y", 1, 1, "x"), Ended("x", 1, 1, "y"), Ended("0", 1, 1),
            },
        });
        Assert.Equal("0abcdyx", string.Concat(model.Steps.Select(static s => s.Digest)));
    }

    [Fact]
    public void ASourceThatRunsForItsKeyAndThenForItsContentEndsOnce()
    {
        BuildModel model = new();
        Assert.IsType<StepStarted>(Assert.Single(model.Apply(With(Ended("source", 0, 1)))));
        Assert.IsType<StepStarted>(Assert.Single(model.Apply(With(Running("source", 2)))));
        Assert.Empty(model.Settle());
        Assert.IsType<StepCompleted>(Assert.Single(model.Apply(With(Ended("source", 2, 4)))));
        Assert.Empty(model.Complete());
        Assert.Equal(TimeSpan.FromSeconds(3), Assert.Single(model.Steps).Duration);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ASourceThatRanOnceHasEndedWhenNothingFollows(bool isSilent)
    {
        BuildModel model = new();
        model.Apply(With(Ended("source", 0, 1)));
        List<BuildEvent> events = isSilent ? model.Settle() : model.Apply(With(Running("other", 3)));
        Assert.Equal("source", events[0].Step.Digest);
        Assert.IsType<StepCompleted>(events[0]);
    }

    [Fact]
    public void ASourceThatAnotherStepNeedsHasEndedWhenThatStarts()
    {
        BuildModel model = new();
        Vertex user = new() { Digest = "user", Inputs = { "source" } };
        model.Apply(new StatusResponse { Vertexes = { user, Ended("source", 0, 1) } });
        Assert.Empty(model.Settle());
        List<BuildEvent> events = model.Apply(With(Running("user", 9)));
        Assert.Equal([typeof(StepCompleted), typeof(StepStarted)], events.Select(static e => e.GetType()));
    }

    [Fact]
    public void APartOfALongMessageWaitsForTheRest()
    {
        BuildModel model = new();
        Vertex ended = Ended("a", 0, 9);
        ended.Inputs.Add("b");
        Vertex later = Ended("c", 7, 8);
        later.Inputs.Add("b");
        StatusResponse first = new() { Vertexes = { ended, later }, Logs = { Log("a", 1, new string('x', 1024 * 1024) + "\nbro") } };
        Assert.Equal([typeof(StepStarted), typeof(StepLogged)], model.Apply(first).Select(static e => e.GetType()));
        List<BuildEvent> events = model.Apply(new StatusResponse { Logs = { Log("a", 2, "ken") } });
        Assert.Equal(["StepStarted c", "StepCompleted c", "StepLogged a", "StepCompleted a"], events.Select(static e => $"{e.GetType().Name} {e.Step.Digest}"));
        Assert.Equal("broken", events.OfType<StepLogged>().Single().Line);
    }

    [Fact]
    public void OnlyTheLastLinesAreKept()
    {
        BuildModel model = new();
        for (int i = 0; i < 200; i++)
        {
            model.Apply(new StatusResponse { Logs = { new VertexLog { Vertex = "a", Stream = 1, Msg = ByteString.CopyFromUtf8($"line {i}\n") } } });
        }

        Assert.Equal(50, model.Steps[0].GetLogLines().Count);
        Assert.Equal("line 199", model.Steps[0].GetLogLines().Last());
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

    private static Vertex Ended(string digest, int start, int end, params string[] inputs) => new() { Digest = digest, Inputs = { inputs }, Started = At(start), Completed = At(end) };

    private static VertexLog Log(string digest, int second, string text) => new() { Vertex = digest, Stream = 1, Msg = ByteString.CopyFromUtf8(text), Timestamp = At(second) };

    private static Timestamp At(int second) => Timestamp.FromDateTime(Start.AddSeconds(second));
}
