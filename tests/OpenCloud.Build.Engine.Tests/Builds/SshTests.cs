using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Builds through the system's ssh and Debian's sshd on the BuildKit of a Docker Engine.</summary>
public sealed class SshTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task ABuild_GoesThroughSsh(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        string docker;
        try
        {
            docker = Path.Join((await EngineScript.GetAsync("docker-cli"))["docker-cli"], "usr/bin");
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }

        await using SshServer server = await SshServer.StartAsync($"{docker}:/usr/bin:/bin");
        EngineConnectOptions options = new()
        {
            ConnectTimeout = TimeSpan.FromSeconds(20),
            GetEnvironmentVariable = variable => variable == "PATH" ? server.SearchPath : Environment.GetEnvironmentVariable(variable),
        };
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /bin/busybox
            COPY data /data
            RUN ["/bin/busybox", "wc", "-c", "/data"]
            """);
        context.Write("data", new string('x', 3_000_000));
        EngineAddress address = EngineAddress.Parse($"docker+ssh://box{engine.DockerSocket}");
        await using (BuildKitClient client = await BuildKitClient.ConnectAsync(address, options, Cancellation))
        {
            Assert.Equal(address, client.Address);
            ImageBuildResult result = await client.BuildAsync(new() { ContextPath = context.Path }, null, Cancellation);
            Assert.True(result.BytesSent > 3_000_000, $"{result.BytesSent}");
        }

        // buildctl does not exist there, and no other host key is known.
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await BuildKitClient.ConnectAsync(EngineAddress.Parse("ssh://box"), options, Cancellation));
        Assert.Equal(EngineConnectReason.HelperNotFound, e.Reason);
        e = await Assert.ThrowsAsync<EngineConnectException>(async () => await BuildKitClient.ConnectAsync(EngineAddress.Parse($"ssh://nobody@127.0.0.1:{server.Port}"), options, Cancellation));
        Assert.Equal(EngineConnectReason.HostKeyRejected, e.Reason);
    }
}
