using System.Diagnostics;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Samples;

/// <summary>The sample's commands, each as a process: they have the client's public members alone.</summary>
public sealed class BuildImageTests(EngineFixture engines)
{
    private const int Cancelled = 130;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Program { get; } = Path.Combine(
        RepositoryRoot.Path, "samples", "BuildImage", "bin", AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release", "net10.0", "BuildImage.dll");

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task AnImage_IsBuiltAndListed_AndItsBuildFollowed(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        string marker = "ocb" + Guid.NewGuid().ToString("n")[..12];
        using ContextFolder context = await ContextFolder.CreateAsync($"""
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "echo", "says {marker}"]
            """);

        string built = (await RunAsync("build", context.Path, $"sample/{marker}:1", engine.Address)).Succeeded();
        string reference = built.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.Contains($"docker.io/sample/{marker}:1", built, StringComparison.Ordinal);
        Assert.Contains($"sample/{marker}:1", (await RunAsync("images", engine.Address)).Succeeded(), StringComparison.Ordinal);
        Assert.Contains(Lines((await RunAsync("builds", engine.Address)).Succeeded()), l => l.StartsWith(reference, StringComparison.Ordinal) && l.Contains("Completed", StringComparison.Ordinal));

        CommandResult followed = await RunAsync("follow", reference[..20], engine.Address);
        Assert.Contains($"says {marker}", followed.Succeeded(), StringComparison.Ordinal);
        Assert.Equal("Completed", followed.Error.Trim());
    }

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task ARunningBuild_IsFollowed_AndCancelledByCtrlC(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        string marker = "ocb" + Guid.NewGuid().ToString("n")[..12];
        using ContextFolder context = await ContextFolder.CreateAsync($"""
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "echo begun {marker}; exec /bin/busybox sleep 300"]
            """);
        using Process build = Start("build", context.Path, $"sample/{marker}:1", engine.Address);
        await ReadUntilAsync(build.StandardError, "begun " + marker);
        string running = Lines((await RunAsync("builds", engine.Address)).Succeeded()).First(l => l.Contains(marker, StringComparison.Ordinal));
        Assert.Contains(" Running ", running, StringComparison.Ordinal);
        using Process follow = Start("follow", running.Split(' ')[0], engine.Address);
        await ReadUntilAsync(follow.StandardOutput, "begun " + marker);

        Stopwatch clock = Stopwatch.StartNew();
        (await Command.RunAsync("kill", ["-INT", $"{build.Id}"], cancellationToken: Cancellation)).Succeeded();
        await build.WaitForExitAsync(Cancellation);
        TimeSpan ended = clock.Elapsed;
        Assert.Equal(Cancelled, build.ExitCode);
        Assert.EndsWith("cancelled", (await build.StandardError.ReadToEndAsync(Cancellation)).TrimEnd(), StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: ended after {ended.TotalMilliseconds:0} ms");
        Assert.InRange(ended, TimeSpan.Zero, TimeSpan.FromSeconds(1));

        await follow.WaitForExitAsync(Cancellation);
        Assert.Equal(1, follow.ExitCode);
        Assert.StartsWith("Canceled", await follow.StandardError.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "usage:", "nonsense")]
    [InlineData(1, "the socket does not exist", "builds", "unix:///none/socket")]
    [InlineData(1, "has the scheme 'foo'", "images", "foo://x")]
    public async Task AFailure_HasItsReasonAndExitCode(int code, string reason, params string[] arguments)
    {
        CommandResult result = await RunAsync(arguments);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    private static Task<CommandResult> RunAsync(params string[] arguments) => Command.RunAsync("dotnet", [Program, .. arguments], cancellationToken: Cancellation);

    private static string[] Lines(string text) => text.Split('\n');

    private static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", [Program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static async Task ReadUntilAsync(StreamReader reader, string text)
    {
        string? line;
        do
        {
            line = await reader.ReadLineAsync(Cancellation) ?? throw new InvalidOperationException($"it ended before '{text}'");
        }
        while (!line.Contains(text, StringComparison.Ordinal) || line.Contains("RUN", StringComparison.Ordinal));
    }
}
