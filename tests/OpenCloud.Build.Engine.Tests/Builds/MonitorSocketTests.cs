using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Builds through the hybrid vsock of a virtual machine's monitor: here its protocol alone, with a real engine behind it.</summary>
public sealed class MonitorSocketTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task ABuild_GoesThroughAMonitorsSocket(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using MonitorSocket monitor = new(engine);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /bin/busybox
            COPY data /data
            RUN ["/bin/busybox", "wc", "-c", "/data"]
            """);
        context.Write("data", new string('x', 3_000_000));
        await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.Parse(monitor.Address()), cancellationToken: Cancellation);
        Assert.Equal(monitor.Address(), client.Address.ToString());
        ImageBuildResult result = await client.BuildAsync(new() { ContextPath = context.Path }, null, Cancellation);
        Assert.True(result.BytesSent > 3_000_000, $"{result.BytesSent}");
    }

    [Theory]
    [EngineData]
    public async Task APortWithoutAnEngine_IsTriedAgainAndTold(string name)
    {
        await using MonitorSocket monitor = new(await engines.GetAsync(name));
        List<ConnectAttempt> attempts = [];
        EngineConnectOptions options = new() { ConnectTimeout = TimeSpan.FromMilliseconds(1500), OnFailedAttempt = attempts.Add };
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            async () => await BuildKitClient.ConnectAsync(EngineAddress.Parse(monitor.Address(9)), options, Cancellation));
        Assert.Equal(EngineConnectReason.Refused, e.Reason);
        Assert.InRange(attempts.Count, 3, 10);
        Assert.All(attempts, static a => Assert.Contains("listens on port 9", a.Error.Message, StringComparison.Ordinal));
    }
}
