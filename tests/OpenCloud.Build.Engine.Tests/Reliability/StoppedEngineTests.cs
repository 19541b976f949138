using System.Diagnostics;
using System.Globalization;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>An engine that is stopped (SIGSTOP): it neither answers nor goes away.</summary>
public sealed class StoppedEngineTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(75);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnEngineThatIsStopped_EndsBuildsAndFirstQuestions()
    {
        await using PrivateEngine own = await EngineFixture.StartPrivateAsync(EngineNames.Docker28);
        string marker = Guid.NewGuid().ToString("n")[..12];
        using ContextFolder silent = await ContextFolder.CreateAsync($"""
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "echo begun {marker}; /bin/busybox sleep 300"]
            """);
        using ContextFolder sending = new();
        sending.Write("Dockerfile", "FROM scratch\nCOPY . /\n");
        await using (FileStream large = File.Create(sending.At("large")))
        {
            large.SetLength(4L << 30);
        }

        await using BuildKitClient client = await BuildRun.ConnectAsync(own.Engine, Cancellation);
        (BuildRun watching, Task seen) = BuildRun.WatchFor("begun " + marker);
        Task<ImageBuildResult> step = client.BuildAsync(new() { ContextPath = silent.Path }, watching, Cancellation);
        await Task.WhenAny(seen, step);
        Task<ImageBuildResult> upload = client.BuildAsync(new() { ContextPath = sending.Path }, null, Cancellation);
        await UploadHasBegunAsync(own.Engine, sending.At("large"));
        Assert.False(step.IsCompleted || upload.IsCompleted);

        await SignalAsync(own.Engine, "STOP");
        Stopwatch clock = Stopwatch.StartNew();
        Task<BuildKitClient> late = BuildRun.ConnectAsync(own.Engine, Cancellation);
        ImageBuildException first = await Assert.ThrowsAsync<ImageBuildException>(() => step.WaitAsync(Bound, Cancellation));
        TimeSpan stepEnded = clock.Elapsed;
        ImageBuildException second = await Assert.ThrowsAsync<ImageBuildException>(() => upload.WaitAsync(Bound, Cancellation));
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"step ended after {stepEnded.TotalSeconds:0.0} s, upload after {clock.Elapsed.TotalSeconds:0.0} s: {second.Message}"));
        Assert.Equal(BuildFailureKind.EngineLost, first.Kind);
        Assert.Equal(BuildFailureKind.EngineLost, second.Kind);
        Assert.Contains("pings", first.Message, StringComparison.Ordinal);

        // Docker's upgrade is answered, or not, within the time for connecting; a socket that was accepted waits for the first answer.
        EngineConnectException refused = await Assert.ThrowsAsync<EngineConnectException>(() => late.WaitAsync(Bound, Cancellation));
        Assert.Equal(EngineConnectReason.Timeout, refused.Reason);

        await SignalAsync(own.Engine, "CONT");
        using ContextFolder small = new();
        small.Write("Dockerfile", "FROM scratch\nCOPY . /\n");
        await BuildRun.RunAsync(own.Engine, new() { ContextPath = small.Path }, Cancellation);
    }

    /// <summary>Waits until this process has read into the file: only its sender opens it.</summary>
    private static async Task UploadHasBegunAsync(RunningEngine engine, string file)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!Directory.EnumerateFileSystemEntries("/proc/self/fd").Any(fd => PathOf(fd) == file))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{engine} asks for no file");
            await Task.Delay(5, Cancellation);
        }
    }

    private static string? PathOf(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task SignalAsync(RunningEngine engine, string signal)
    {
        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(engine, "busybox", "killall", "-" + signal, "dockerd");
        (await Command.RunAsync(program, arguments)).Succeeded();
    }
}
