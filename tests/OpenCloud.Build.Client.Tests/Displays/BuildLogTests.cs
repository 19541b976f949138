using System.Text;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Progress;
using OpenCloud.Build.Screen;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Displays;

/// <summary>The logs for CI hosts: groups, annotations, and no commands of the build's own.</summary>
public sealed class BuildLogTests
{
    private static readonly BuildOutcome Failed = new("✗ demo/app:1 failed after 0.4s at step #6") { Error = "exit code: 3, 100%\nsee ##[error]", File = "app/Docker:file,1", Line = 7 };

    [Theory]
    [InlineData("0.32-cold-live")]
    [InlineData("0.32-failed-live")]
    public void ARecordedBuildInGroups(string build)
    {
        StringBuilder text = new();
        foreach (bool isAzure in new[] { false, true })
        {
            Write(new GroupedBuildLog(isAzure), null, build, text);
        }

        Approved.Check($"groups-{build}.txt", text.ToString());
    }

    [Fact]
    public void BuildsSideBySideAreApart()
    {
        GroupedBuildLog log = new(isAzure: false);
        List<string> lines =
        [
            .. log.Write("a", Line(1, "[1/1] RUN x"), endsStep: false), .. log.Write("b", Line(1, "[1/1] RUN x"), endsStep: false), .. log.Write("b", Line(1, "said"), endsStep: true),
            .. log.Write("a", Line(1, "DONE"), endsStep: true), .. log.End("a", new BuildOutcome("a built")), .. log.End("b", new BuildOutcome("b built")),
        ];
        Assert.Equal(
            ["::group::a: #1 [1/1] RUN x", "#1 [1/1] RUN x", "#1 DONE", "::endgroup::", "::group::b: #1 [1/1] RUN x", "#1 [1/1] RUN x", "#1 said", "::endgroup::", "a built", "b built"],
            lines);
    }

    [Fact]
    public void ABuildThatEndsBesideAnotherOpensNoGroupInItsGroup()
    {
        GroupedBuildLog log = new(isAzure: false);
        List<string> lines =
        [
            .. log.Write("a", Line(1, "RUN x"), endsStep: false), .. log.Write("b", Line(1, "RUN y"), endsStep: true), .. log.End("b", new BuildOutcome("b built")),
            .. log.Write("a", Line(1, "DONE"), endsStep: true), .. log.End("a", new BuildOutcome("a built")),
        ];
        Assert.Equal(
            [
                "::group::a: #1 RUN x", "#1 RUN x", "::endgroup::", "::group::b: #1 RUN y", "#1 RUN y", "::endgroup::", "::group::a: #1 RUN x", "b built", "#1 DONE",
                "::endgroup::", "a built",
            ],
            lines);
    }

    [Fact]
    public void TheNextBuildHasGroupsAgain()
    {
        GroupedBuildLog log = new(isAzure: false);
        for (int build = 0; build < 2; build++)
        {
            Assert.Equal(["::group::#1 RUN x", "#1 RUN x"], log.Write(null, Line(1, "RUN x"), endsStep: false));
            Assert.Equal(["#1 DONE", "::endgroup::"], log.Write(null, Line(1, "DONE"), endsStep: true));
            Assert.Equal(["built"], log.End(null, new BuildOutcome("built")));
        }
    }

    [Fact]
    public void LinesOfOtherStepsAreKeptWithinBounds()
    {
        GroupedBuildLog log = new(isAzure: false);
        int most = 0;
        int kept = 0;
        log.Write(null, Line(1, "[1/2] RUN quiet"), endsStep: false);
        for (int i = 0; i < 3000; i++)
        {
            kept += 1 - log.Write(null, Line(2, new string('x', 1000)), endsStep: false).Count(static l => l.StartsWith("#2", StringComparison.Ordinal));
            most = Math.Max(most, kept);
        }

        Assert.InRange(most, 500, 1100);
        Assert.Equal("::endgroup::", log.End(null, new BuildOutcome("built"))[0]);
    }

    [Theory]
    [InlineData("::error::x", ": :error::x")]
    [InlineData("  ::set-output name=a::b\n\t::stop-commands::t", "  : :set-output name=a::b\n\t: :stop-commands::t")]
    [InlineData("a ##[error]b", "a # #[error]b")]
    [InlineData("x##VSO[task.setvariable variable=a]b", "x# #VSO[task.setvariable variable=a]b")]
    [InlineData("std::vector ## [x] #[y]", "std::vector ## [x] #[y]")]
    public void ABuildsWordsAreNoCommands(string text, string shown) => Assert.Equal(shown, WorkflowCommands.Neutral(text));

    [Fact]
    public void ValuesAreEscaped()
    {
        Assert.Equal("::warning file=a%3Ab%2Cc%25,line=3::100%25%0Ax: y, z", WorkflowCommands.GitHub("warning", "100%\nx: y, z", "a:b,c%", 3));
        Assert.Equal("::error::x", WorkflowCommands.GitHub("error", "x", null, 3));
        Assert.Equal("##vso[task.logissue type=error;sourcepath=a%3Bb%5D%AZP25;linenumber=3;]100%AZP25%0A# #[x] ; ]", WorkflowCommands.Azure("error", "100%\n##[x] ; ]", "a;b]%", 3));
        Assert.Equal("##vso[task.logissue type=warning;]x", WorkflowCommands.Azure("warning", "x", null, null));
    }

    [Fact]
    public void APlainLogHasEachLineAsItComes()
    {
        StringBuilder text = new();
        Write(new PlainBuildLog(), "demo/app:1", "0.16-failed-live", text);
        Approved.Check("plain-0.16-failed-live.txt", text.ToString());
    }

    [Fact]
    public void APlainLogHasNoCommandsForAHost()
    {
        PlainBuildLog log = new(isCi: true);
        Assert.Equal(["#1 # #[error]x"], log.Write(null, Line(1, "##[error]x"), endsStep: false));
        Assert.Equal([": :error::x"], log.End(null, new BuildOutcome("::error::x")));
    }

    private static BuildLogLine Line(int step, string text) => new() { Step = step, StepName = text, Text = text };

    private static void Write(IBuildLog log, string? name, string build, StringBuilder text)
    {
        BuildModel model = new();
        BuildLogWriter writer = new(reference: null);

        void Add(IEnumerable<string> lines) => text.AppendJoin('\n', [.. lines, string.Empty]);

        void Take(List<BuildEvent> events)
        {
            foreach (BuildEvent happened in events)
            {
                IReadOnlyList<BuildLogLine> lines = writer.Read(happened);
                for (int i = 0; i < lines.Count; i++)
                {
                    Add(log.Write(name, lines[i], happened is StepCompleted && i == lines.Count - 1));
                }

                if (happened is StepWarned warned)
                {
                    Add(log.Warn(warned.Warning, null));
                }
            }
        }

        foreach (StatusResponse response in RecordedStatus.Read(build))
        {
            Take(model.Apply(response));
        }

        Take(model.Complete());
        Add(log.End(name, build.Contains("failed", StringComparison.Ordinal) ? Failed : new BuildOutcome("✓ demo/app:1 built in 2.0s")));
    }
}
