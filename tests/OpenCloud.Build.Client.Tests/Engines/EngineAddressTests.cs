using OpenCloud.Build.Client.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines;

public sealed class EngineAddressTests
{
    [Theory]
    [InlineData("unix:///run/buildkit/buildkitd.sock", "unix:///run/buildkit/buildkitd.sock")]
    [InlineData("/run/buildkit/buildkitd.sock", "unix:///run/buildkit/buildkitd.sock")]
    [InlineData("  /run/a b/é.sock ", "unix:///run/a b/é.sock")]
    [InlineData("UNIX:///x", "unix:///x")]
    [InlineData("tcp://127.0.0.1:1234", "tcp://127.0.0.1:1234")]
    [InlineData("tcp://127.0.0.1:1234/", "tcp://127.0.0.1:1234")]
    [InlineData("localhost:1234", "tcp://localhost:1234")]
    [InlineData("[::1]:1234", "tcp://[::1]:1234")]
    [InlineData("tcp://build-host.example:65535", "tcp://build-host.example:65535")]
    [InlineData("docker://", "docker://")]
    [InlineData("docker", "docker://")]
    [InlineData("docker:///var/run/docker.sock", "docker:///var/run/docker.sock")]
    [InlineData("docker://localhost:2375", "docker://localhost:2375")]
    public void Parses_completes_and_round_trips(string text, string full)
    {
        EngineAddress address = EngineAddress.Parse(text);
        Assert.Equal(full, address.ToString());
        Assert.Equal(address, EngineAddress.Parse(full));
        Assert.Equal(address.GetHashCode(), EngineAddress.Parse(full).GetHashCode());
        Assert.True(EngineAddress.TryParse(text, out EngineAddress? again));
        Assert.Equal(address, again);
    }

    [Theory]
    [InlineData("", "must not be empty")]
    [InlineData("   ", "must not be empty")]
    [InlineData("relative/path.sock", "absolute path")]
    [InlineData("unix://relative", "absolute path")]
    [InlineData("unix://", "absolute path")]
    [InlineData("unix:///", "absolute path")]
    [InlineData("somehost", "host and a port")]
    [InlineData("tcp://somehost", "port between 1 and 65535")]
    [InlineData("tcp://somehost:0", "port between 1 and 65535")]
    [InlineData("tcp://somehost:65536", "port between 1 and 65535")]
    [InlineData("tcp://::1:1234", "brackets")]
    [InlineData("tcp://[127.0.0.1]:1234", "no valid host")]
    [InlineData("tcp://bad host:12", "no valid host")]
    [InlineData("tcp://h:12/path", "port between")]
    [InlineData("ftp://h:1", "Supported are unix://, tcp://, docker://, vsock://, vsock+unix://, ssh://")]
    [InlineData("docker://unix:///x", "port")]
    public void Refuses_with_a_reason(string text, string expected)
    {
        FormatException e = Assert.Throws<FormatException>(() => EngineAddress.Parse(text));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.False(EngineAddress.TryParse(text, out _));
    }

    [Fact]
    public void Refuses_a_path_that_no_socket_can_have()
    {
        string longest = "/" + new string('é', 53);
        Assert.Equal(longest, EngineAddress.Parse(longest).Path);
        Assert.Contains("109 bytes", Assert.Throws<FormatException>(() => EngineAddress.Parse(longest + "é")).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => EngineAddress.Parse("/a\0b"));
    }

    [Theory]
    [InlineData("tcp://user:hunter2@host:1")]
    [InlineData("ssh://user:hunter2@host")]
    [InlineData("user:hunter2@host")]
    public void Never_shows_a_password(string text) =>
        Assert.DoesNotContain("hunter2", Assert.Throws<FormatException>(() => EngineAddress.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("/x/y", true)]
    [InlineData("tcp://LOCALHOST:1", true)]
    [InlineData("tcp://127.200.3.4:1", true)]
    [InlineData("tcp://[::1]:1", true)]
    [InlineData("tcp://[::ffff:127.0.0.1]:1", true)]
    [InlineData("vsock://2:1", true)]
    [InlineData("vsock+unix:///x:1", true)]
    [InlineData("tcp://10.0.0.1:1", false)]
    [InlineData("tcp://localhost.example:1", false)]
    [InlineData("tcp://0.0.0.0:1", false)]
    public void Knows_this_machine(string text, bool local) => Assert.Equal(local, EngineAddress.Parse(text).IsLocal);

    [Theory]
    [InlineData("tcp://10.0.0.1:1234")]
    [InlineData("docker://10.0.0.1:2375")]
    public void Plain_tcp_to_elsewhere_needs_leave(string text)
    {
        EngineAddress address = EngineAddress.Parse(text);
        EngineConnectException e = Assert.Throws<EngineConnectException>(() => EngineConnectors.Create(address, new EngineConnectOptions()));
        Assert.Equal(EngineConnectReason.NotAllowed, e.Reason);
        Assert.Equal(address, EngineConnectors.Create(address, new EngineConnectOptions { AllowPlainTcp = true }).Address);
    }
}
