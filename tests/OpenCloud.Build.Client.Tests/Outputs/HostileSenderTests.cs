using System.Buffers.Binary;
using System.Runtime.Versioning;
using System.Text;
using Google.Protobuf;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Tests.Wire.Http2;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Outputs;

/// <summary>A daemon that sends what no honest one would: nothing may land outside of the destination.</summary>
[SupportedOSPlatform("linux")]
public sealed class HostileSenderTests
{
    private const uint Folder = GoFileMode.Directory | 0x1ED;

    public static TheoryData<string> BadPaths => ["../up", "a/../../up", "/etc/x", "a//b", "./a", "a/.", "", "..", "a/", "a\0b", new string('x', 256)];

    [Theory]
    [MemberData(nameof(BadPaths))]
    public Task PathsThatAreNotPlain_AreRefused(string path) => RefusedAsync([Entry("a", Folder), Entry(path, 0x1A4), End()]);

    [Fact]
    public Task EntriesOutOfOrder_AreRefused() => RefusedAsync([Entry("b", Folder), Entry("a", Folder), End()]);

    [Fact]
    public Task TheSamePathTwice_IsRefused() => RefusedAsync([Symlink("a", "/tmp"), Entry("a", Folder), End()]);

    [Fact]
    public Task AFileBelowALink_IsRefused() => RefusedAsync([Symlink("a", "/tmp"), Entry("a/b", 0x1A4), End()]);

    [Fact]
    public Task AFileWithoutItsDirectory_IsRefused() => RefusedAsync([Entry("a/b", 0x1A4), End()]);

    [Fact]
    public Task DataThatWasNotAskedFor_IsRefused() => RefusedAsync([Data(7, "x"), End()]);

    [Fact]
    public Task EntriesAfterTheList_AreRefused() => RefusedAsync([Entry("a", 0x1A4), End(), Entry("b", 0x1A4)]);

    [Fact]
    public Task AHardLinkToSomethingElse_IsRefused()
        => RefusedAsync([Frame(new Packet { Stat = new Stat { Path = "a", Mode = 0x1A4, Linkname = "../../etc/passwd" } }), End()]);

    [Fact]
    public Task ADevice_IsRefused() => RefusedAsync([Entry("a", GoFileMode.Device | 0x1B6), End()]);

    [Fact]
    public Task AnEndBeforeTheFiles_IsRefused() => RefusedAsync([Entry("a", 0x1A4), End()]);

    [Fact]
    public Task NamesWithoutEnd_AreRefused() =>
        RefusedAsync([.. Enumerable.Range(0, 100).Select(static i => Symlink($"{i:d3}", new string('x', 200)))], new ReceiveLimits { MaxListBytes = 10_000 });

    [Fact]
    public Task AttributesWithoutEnd_AreRefused() => RefusedAsync(
        [.. Enumerable.Range(0, 100).Select(static i => Frame(new Packet { Stat = new Stat { Path = $"{i:d3}", Mode = Folder, Xattrs = { ["user.a"] = ByteString.CopyFrom(new byte[200]) } } }))],
        new ReceiveLimits { MaxListBytes = 10_000 });

    [Fact]
    public Task EntriesWithoutEnd_AreRefused() =>
        RefusedAsync([.. Enumerable.Range(0, 100).Select(static i => Entry($"{i:d3}", Folder))], new ReceiveLimits { MaxEntries = 50 });

    [Fact]
    public Task NoPackets_AreRefused() => RefusedAsync([[0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF]]);

    [Fact]
    public void LinksInTheDestination_AreNotFollowed()
    {
        using TemporaryDirectory place = new();
        Directory.CreateDirectory(Path.Combine(place.Path, "outside"));
        Directory.CreateDirectory(Path.Combine(place.Path, "out"));
        File.CreateSymbolicLink(Path.Combine(place.Path, "out", "a"), Path.Combine(place.Path, "outside"));
        using OutputDirectory directory = new(Path.Combine(place.Path, "out"));
        Assert.Throws<ContextException>(() => directory.CreateFile("a/b"u8.ToArray()));
        directory.MakeDirectory("a"u8.ToArray());
        (FileStream stream, byte[] temporary) = directory.CreateFile("a/b"u8.ToArray());
        directory.Publish(stream, temporary, "a/b"u8.ToArray(), ReceivedStat.Read(new Stat { Path = "a/b", Mode = 0xFFF }.ToByteArray()));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(place.Path, "outside")));
        Assert.True(File.Exists(Path.Combine(place.Path, "out", "a", "b")));
        Assert.Equal(0x1FF, (int)File.GetUnixFileMode(Path.Combine(place.Path, "out", "a", "b")));
    }

    private static async Task RefusedAsync(byte[][] packets, ReceiveLimits? limits = null)
    {
        using TemporaryDirectory place = new();
        string before = place.Path;
        using DirectoryTarget target = new(Path.Combine(place.Path, "out"), delete: false, limits ?? new ReceiveLimits(), null);
        FileSendService service = new();
        service.Add(0, target);
        GrpcServer server = new();
        service.BindTo(server);
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        ByteArrayContent content = new([.. packets.SelectMany(static p => p)]);
        content.Headers.ContentType = new("application/grpc");
        using HttpResponseMessage answer = await peer.SendAsync("/moby.filesync.v1.FileSend/DiffCopy", content, TestContext.Current.CancellationToken);
        await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        string status = answer.TrailingHeaders.TryGetValues("grpc-status", out IEnumerable<string>? values)
            ? values.Single()
            : answer.Headers.GetValues("grpc-status").Single();
        Assert.NotEqual("0", status);
        Assert.NotNull(service.Failure);
        Assert.Equal([Path.Combine(before, "out")], Directory.GetFileSystemEntries(before));
        Assert.DoesNotContain(Directory.GetFiles(before, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }), static _ => true);
    }

    private static byte[] Entry(string path, uint mode) => Frame(new Packet { Stat = new Stat { Path = path, Mode = mode } });

    private static byte[] Symlink(string path, string target) => Frame(new Packet { Stat = new Stat { Path = path, Mode = GoFileMode.Symlink | 0x1FF, Linkname = target } });

    private static byte[] Data(uint id, string text) => Frame(new Packet { Type = Packet.Types.PacketType.PacketData, Id = id, Data = ByteString.CopyFrom(text, Encoding.UTF8) });

    private static byte[] End() => Frame(new Packet());

    private static byte[] Frame(Packet packet)
    {
        byte[] body = packet.ToByteArray();
        byte[] framed = new byte[5 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), body.Length);
        body.CopyTo(framed, 5);
        return framed;
    }
}
