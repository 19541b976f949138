using OpenCloud.Build.Client.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines;

public sealed class EngineDiscoveryTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(250);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Looks_where_engines_are_in_order()
    {
        Assert.Equal(
            ["tcp://127.0.0.1:5", "unix:///run/user/7/buildkit/buildkitd.sock", "unix:///run/buildkit/buildkitd.sock", "docker:///d.sock"],
            Addresses(("BUILDKIT_HOST", "tcp://127.0.0.1:5"), ("XDG_RUNTIME_DIR", "/run/user/7/"), ("DOCKER_HOST", "unix:///d.sock")));
        Assert.Equal(["unix:///run/buildkit/buildkitd.sock", "docker:///var/run/docker.sock"], Addresses());
        Assert.Equal(["unix:///run/buildkit/buildkitd.sock", "none"], Addresses(("DOCKER_HOST", "npipe://x")));
    }

    [Fact]
    public async Task Takes_the_first_that_accepts_and_tells_why_not_the_others()
    {
        await using RawServer docker = new(async (stream, token) =>
        {
            await RawServer.ReadHeadAsync(stream, token);
            await stream.WriteAsync("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"u8.ToArray(), token);
        });
        EngineConnectOptions options = Options(("BUILDKIT_HOST", "/nowhere/b.sock"), ("XDG_RUNTIME_DIR", "/nowhere"), ("DOCKER_HOST", "unix://" + docker.Path));
        EngineConnection connection = await EngineDiscovery.OpenAsync([.. EngineDiscovery.Candidates(options).Where(NotTheMachines)], options, Token);
        await using Stream stream = connection.Stream;
        Assert.Equal("docker://" + docker.Path, connection.Address.ToString());
        Assert.Equal("$DOCKER_HOST", connection.Source);
        Assert.Equal(["$BUILDKIT_HOST", "$XDG_RUNTIME_DIR"], connection.PassedOver.Select(static p => p.Source));
        Assert.Equal([true, false], connection.PassedOver.Select(static p => p.IsExplicit));
        Assert.All(connection.PassedOver, static p => Assert.Contains("the socket does not exist", p.Why, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tells_all_when_none_accepts()
    {
        EngineConnectOptions options = Options(("XDG_RUNTIME_DIR", "/nowhere"), ("DOCKER_HOST", "npipe://x")) with { ConnectTimeout = Short };
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            async () => await EngineDiscovery.OpenAsync([.. EngineDiscovery.Candidates(options).Where(NotTheMachines)], options, Token));
        Assert.Equal(EngineConnectReason.BadSetting, e.Reason);
        Assert.Equal(2, e.PassedOver.Count);
        Assert.Contains("/nowhere/buildkit/buildkitd.sock", e.Message, StringComparison.Ordinal);
        Assert.Contains("'npipe' is not supported", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense", EngineConnectReason.BadSetting)]
    [InlineData("tcp://10.1.2.3:1234", EngineConnectReason.NotAllowed)]
    public async Task A_setting_that_may_not_be_followed_is_an_error(string host, EngineConnectReason reason)
    {
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await EngineDiscovery.OpenAsync(Options(("BUILDKIT_HOST", host)), Token));
        Assert.Equal(reason, e.Reason);
    }

    [Fact]
    public async Task Can_insist_on_the_engine_that_is_set()
    {
        EngineConnectOptions options = Options(("BUILDKIT_HOST", "/nowhere/b.sock")) with { RequireExplicitEngine = true, ConnectTimeout = Short };
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await EngineDiscovery.OpenAsync(options, Token));
        Assert.Equal(EngineConnectReason.NotFound, e.Reason);
        Assert.Equal("unix:///nowhere/b.sock", e.Address!.ToString());
    }

    private static bool NotTheMachines(EngineCandidate candidate) => candidate.Source is not "system socket" and not "Docker socket";

    private static string[] Addresses(params (string Name, string Value)[] environment) =>
        [.. EngineDiscovery.Candidates(Options(environment)).Select(static c => c.Address?.ToString() ?? "none")];

    private static EngineConnectOptions Options(params (string Name, string Value)[] environment) =>
        new() { GetEnvironmentVariable = name => environment.FirstOrDefault(e => e.Name == name).Value };
}
