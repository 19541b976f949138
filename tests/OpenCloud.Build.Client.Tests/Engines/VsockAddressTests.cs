using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Vsock;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines;

public sealed class VsockAddressTests
{
    [Theory]
    [InlineData("vsock://3:8088", "vsock://3:8088", 3u, 8088u)]
    [InlineData("VSOCK://Host:8088", "vsock://2:8088", 2u, 8088u)]
    [InlineData("vsock://local:1", "vsock://1:1", 1u, 1u)]
    [InlineData(" vsock://1:4294967294 ", "vsock://1:4294967294", 1u, 4294967294u)]
    [InlineData("vsock://4294967294:8088", "vsock://4294967294:8088", 4294967294u, 8088u)]
    public void Names_a_machine_and_a_port(string text, string full, uint id, uint port)
    {
        EngineAddress address = EngineAddress.Parse(text);
        Assert.Equal((full, "vsock", (uint?)id, port), (address.ToString(), address.Scheme, address.ContextId, address.Port));
        Assert.Null(address.Path);
        Assert.Null(address.Host);
        Assert.Equal(address, EngineAddress.Parse(full));
    }

    [Theory]
    [InlineData("vsock+unix:///run/vm.sock:8088", "/run/vm.sock", 8088u)]
    [InlineData("vsock+unix:///run/a:b/c d.sock:1", "/run/a:b/c d.sock", 1u)]
    [InlineData("vsock+unix:///run/é.sock:4294967294", "/run/é.sock", 4294967294u)]
    public void Names_a_monitors_socket_and_a_port(string text, string path, uint port)
    {
        EngineAddress address = EngineAddress.Parse(text);
        Assert.Equal((text, "vsock+unix", path, port), (address.ToString(), address.Scheme, address.Path, address.Port));
        Assert.Null(address.ContextId);
    }

    [Theory]
    [InlineData("vsock://", "requires a port between 1 and 4294967294")]
    [InlineData("vsock://3", "requires a port")]
    [InlineData("vsock://3:", "requires a port")]
    [InlineData("vsock://3:0", "requires a port")]
    [InlineData("vsock://3:4294967295", "requires a port")]
    [InlineData("vsock://3:+1", "requires a port")]
    [InlineData("vsock://3:1/", "requires a port")]
    [InlineData("vsock://:8088", "requires a context id")]
    [InlineData("vsock://0:8088", "requires a context id")]
    [InlineData("vsock://4294967295:8088", "requires a context id")]
    [InlineData("vsock://-1:8088", "requires a context id")]
    [InlineData("vsock://0x3:8088", "requires a context id")]
    [InlineData("vsock://guest:8088", "requires a context id")]
    [InlineData("vsock+unix:///run/vm.sock", "requires a port")]
    [InlineData("vsock+unix:///run/vm.sock:0", "requires a port")]
    [InlineData("vsock+unix://vm.sock:8088", "absolute path")]
    [InlineData("vsock+unix:///:8088", "absolute path")]
    [InlineData("vsock+unix://:8088", "absolute path")]
    [InlineData("vsock+unix:///a\0b:8088", "zero character")]
    public void Refuses_with_a_reason(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => EngineAddress.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_monitors_socket_is_bounded_like_every_unix_socket() =>
        Assert.Contains("108 bytes", Assert.Throws<FormatException>(() => EngineAddress.Parse($"vsock+unix:///{new string('x', 107)}:1")).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_number_but_the_wildcards_round_trips() => Prop.ForAll<uint, uint>((id, port) =>
    {
        bool valid = id is > 0 and < uint.MaxValue && port is > 0 and < uint.MaxValue;
        bool parsed = EngineAddress.TryParse($"vsock://{id}:{port}", out EngineAddress? address);
        return parsed == valid && (!parsed || address!.ToString() == $"vsock://{id}:{port}");
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Needs_no_leave_for_plain_traffic()
    {
        foreach (string text in (string[])["vsock://3:8088", "vsock+unix:///run/vm.sock:8088"])
        {
            // Only created: no socket of this family is ever opened here.
            Assert.Equal(text, EngineConnectors.Create(EngineAddress.Parse(text), new EngineConnectOptions()).Address.ToString());
        }
    }

    [Fact]
    public void The_kernel_gets_a_sockaddr_vm()
    {
        byte[] bytes = [.. new VsockEndPoint(0x01020304, 0x05060708).Serialize().Buffer.Span];
        Assert.Equal(16, bytes.Length);
        Assert.Equal((ushort)40, BitConverter.ToUInt16(bytes, 0));
        Assert.Equal(0x05060708u, BitConverter.ToUInt32(bytes, 4));
        Assert.Equal(0x01020304u, BitConverter.ToUInt32(bytes, 8));
        Assert.All(bytes[2..4].Concat(bytes[12..]), static b => Assert.Equal(0, b));
    }

    [Theory]
    [InlineData(104, true, EngineConnectReason.Refused, "the virtual machine 3 listens on port 8088", true)]
    [InlineData(111, true, EngineConnectReason.Refused, "listens on port", true)]
    [InlineData(19, true, EngineConnectReason.GuestNotFound, "no virtual machine on this host has the context id 3", true)]
    [InlineData(101, true, EngineConnectReason.GuestNotFound, "context id 3", true)]
    [InlineData(110, true, EngineConnectReason.Timeout, "does not answer", true)]
    [InlineData(13, true, EngineConnectReason.PermissionDenied, "not allowed to use AF_VSOCK", false)]
    [InlineData(1, false, EngineConnectReason.PermissionDenied, "not allowed to use AF_VSOCK", false)]
    [InlineData(97, false, EngineConnectReason.VsockUnavailable, "does not support AF_VSOCK", false)]
    [InlineData(22, true, EngineConnectReason.Other, "Invalid argument", false)]
    public void Tells_in_words_what_an_errno_means(int errno, bool opened, EngineConnectReason reason, string said, bool retried)
    {
        EngineConnectException e = VsockConnector.Explain(EngineAddress.Parse("vsock://3:8088"), errno, opened, null);
        Assert.Equal((reason, retried), (e.Reason, e.MayBeStarting));
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vsock://local:8088", "does not support vsock loopback")]
    [InlineData("vsock://host:8088", "it is not a virtual machine")]
    public void The_names_have_words_of_their_own(string address, string said) =>
        Assert.Contains(said, VsockConnector.Explain(EngineAddress.Parse(address), 19, true, null).Message, StringComparison.Ordinal);
}
