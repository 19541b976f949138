using System.Text;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Progress;
using OpenCloud.Build.Pipeline;
using OpenCloud.Build.Screen;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Displays;

/// <summary>What a terminal shows, byte by byte, at several widths.</summary>
public sealed class ScreenRendererTests
{
    private static readonly ScreenTheme Plain = new(HasColor: false, IsUnicode: true);

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(200)]
    public void ABuildThatRuns(int width)
    {
        StringBuilder text = new();
        Add(text, "a build", ScreenRenderer.Render(Pulling(), width, 40, Plain));
        Add(text, "in a low terminal", ScreenRenderer.Render(Pulling(), width, 9, Plain));
        Add(text, "in colors", ScreenRenderer.Render(Pulling(), width, 40, new ScreenTheme(HasColor: true, IsUnicode: true)));
        Add(text, "in ASCII", ScreenRenderer.Render(Pulling(), width, 40, new ScreenTheme(HasColor: false, IsUnicode: false)));
        Add(text, "side by side", ScreenRenderer.Render(SideBySide(5), width, 20, Plain));
        Add(text, "more than fit", ScreenRenderer.Render(SideBySide(30), width, 12, Plain));
        Add(text, "before the build", ScreenRenderer.Render(new ProgressSnapshot("Starting an engine", "a buildkitd for this build"), width, 40, Plain));
        Approved.Check($"screen-{width}.txt", text.ToString());
    }

    [Theory]
    [InlineData("0.32-cold-live", 25)]
    [InlineData("0.16-failed-live", 18)]
    public void ARecordedBuild(string build, int messages)
    {
        BuildModel model = new();
        foreach (StatusResponse response in RecordedStatus.Read(build).Take(messages))
        {
            model.Apply(response);
        }

        DateTimeOffset now = model.Steps.Max(static s => s.Started)!.Value.AddSeconds(1);
        StringBuilder text = new();
        Add(text, build, ScreenRenderer.Render(BuildProgress.Of("demo/app:1", model, TimeSpan.FromSeconds(2), now), 80, 40, Plain));
        Approved.Check($"screen-{build}.txt", text.ToString());
    }

    [Fact]
    public void NoLineWrapsAndNoScreenScrolls()
    {
        foreach (int height in new[] { 1, 2, 3, 5, 8, 13, 24, 50 })
        {
            foreach (int width in new[] { 21, 30, 59, 60, 61, 99, 100, 200, 300 })
            {
                foreach (ProgressSnapshot snapshot in new[] { Pulling(), Wide(), SideBySide(1), SideBySide(7), SideBySide(100) })
                {
                    IReadOnlyList<string> lines = ScreenRenderer.Render(snapshot, width, height, Plain);
                    Assert.InRange(lines.Count, 1, Math.Max(1, height - 1));
                    Assert.All(lines, l => Assert.InRange(TextWidth.Of(l), 1, width - 1));
                }
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public void ATerminalThatIsTooNarrowShowsNothing(int width) => Assert.Empty(ScreenRenderer.Render(Pulling(), width, 24, Plain));

    [Fact]
    public void WhatAStepWritesDoesNotSteerTheTerminal()
    {
        StepView step = new(1, "RUN \u001b[2Jx\ny", StepState.Running, TimeSpan.Zero) { Log = ["10%\r\u001b[31m20%", "a\tb"], Parts = [] };
        StepView transfer = new(2, "FROM", StepState.Running, TimeSpan.Zero) { Parts = [new PartView("layer\u001b]0;t\a", 1, 2)] };
        BuildView view = View("n\u001b[1m", [step, transfer]);
        Assert.All(ScreenRenderer.Render(view, 80, 24, Plain), static l => Assert.DoesNotContain(l, char.IsControl));
    }

    private static BuildView Pulling() => View(
        "demo/app:1",
        [
            new(1, "[internal] load build definition from Dockerfile", StepState.Done, TimeSpan.FromSeconds(0.04)),
            new(2, "[internal] load .dockerignore", StepState.Done, TimeSpan.FromSeconds(0.01)),
            new(3, "[internal] load build context", StepState.Running, TimeSpan.FromSeconds(3.4)) { Parts = [new PartView("transferring context:", 123_456_789, 0)] },
            new(4, "[stage-1 1/4] FROM docker.io/library/debian:13@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", StepState.Running, TimeSpan.FromSeconds(61))
            {
                Parts =
                [
                    new PartView("sha256:0123456789ab", 49_000_000, 49_000_000), new PartView("sha256:123456789abc", 12_345_678, 29_100_000),
                    new PartView("sha256:23456789abcd", 0, 1_200_000_000), new PartView("extracting sha256:3456789abcde", 0, 0), new PartView("sha256:456789abcdef", 10, 1000),
                ],
            },
            new(5, "[build 1/3] WORKDIR /src", StepState.Cached, TimeSpan.Zero),
            new(6, "[build 2/3] COPY . .", StepState.Cached, TimeSpan.Zero),
            new(7, "[test 1/1] RUN make check", StepState.Failed, TimeSpan.FromSeconds(125.2)),
            new(8, "[docs 1/1] RUN make docs", StepState.Cancelled, TimeSpan.FromSeconds(3725)),
            new(9, "[build 3/3] RUN make all install DESTDIR=/out V=1 CFLAGS='-O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=3' LDFLAGS=-Wl,-z,relro", StepState.Running, TimeSpan.FromSeconds(3725))
            {
                Log = ["cc -c a.c", "cc -c b.c", "cc -c c.c -o build/obj/some/folder/deep/below/c.o -I include -I third-party/include -Wall -Wextra -Werror", "警告: 文字幅のテスト", "cc -c e.c", "ld"],
            },
        ]);

    private static BuildView Wide() => View("名前/" + new string('漢', 80), [new(1, new string('字', 200), StepState.Running, TimeSpan.FromHours(30)) { Log = [new string('é', 300), "👍👍👍"], Parts = [] }]);

    private static BuildView View(string name, IReadOnlyList<StepView> steps) =>
        new(name, TimeSpan.FromSeconds(72.5), steps.Count(static s => s.State != StepState.Running), 14, steps.Count(static s => s.State == StepState.Cached), steps, new ProgressSnapshot($"Building {name}", string.Empty));

    private static ProgressSnapshot SideBySide(int count) => new($"Building {count + 2} images", $"2 done, {count} running", 10, [])
    {
        Parts = [.. Enumerable.Range(1, count).Select(static n => n == 2 ? new ProgressSnapshot("Building demo/2:1", "Starting") : Pulling() with { Name = $"demo/{n}:1" })],
    };

    private static void Add(StringBuilder text, string title, IReadOnlyList<string> lines)
    {
        text.Append("== ").Append(title).Append('\n');
        foreach (string line in lines)
        {
            text.Append(line.Replace("\u001b", "␛", StringComparison.Ordinal)).Append('\n');
        }
    }
}
