using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Google.Protobuf;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using OpenCloud.Build.Client.Protocol.Health;
using OpenCloud.Build.Client.Protocol.Secrets;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Tests.Wire.Http2;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Reliability;

/// <summary>
/// What an engine sends in a small build's session (health, a secret, an output) is recorded once and then replayed up to each of its bytes: there the
/// connection is cut, half-closed, or nothing comes any more, by a clock of the test's. Each session ends, and leaves nothing half-written.
/// </summary>
[SupportedOSPlatform("linux")]
[Collection(nameof(MeasuredAlone))]
public sealed class SessionReplayTests
{
    private const uint Folder = 0x80000000 | 0x1ED;
    private static readonly string Text = new('x', 100);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cut")]
    [InlineData("half-close")]
    [InlineData("stall")]
    public async Task A_session_that_breaks_at_any_byte_ends(string fault)
    {
        byte[] recorded = await RecordAsync();
        Assert.InRange(recorded.Length, 200, 5000);
        SortedDictionary<string, int> ends = new(StringComparer.Ordinal);
        int whole = 0;

        // The first ones open what the process keeps.
        for (int length = 0; length <= recorded.Length; length += 20)
        {
            await ReplayAsync(recorded.AsMemory(0, length), fault, false);
        }

        int descriptors = OpenDescriptors.Count();
        for (int length = 0; length <= recorded.Length; length++)
        {
            (string end, bool isWhole) = await ReplayAsync(recorded.AsMemory(0, length), fault, length == recorded.Length);
            ends[end] = ends.GetValueOrDefault(end) + 1;
            whole += isWhole ? 1 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{fault}: {recorded.Length + 1} positions, {whole} whole outputs; {string.Join("; ", ends.Select(static e => $"{e.Value} x {e.Key}"))}");
        Assert.InRange(whole, fault == "stall" ? 1 : 0, recorded.Length);
        Assert.All(ends.Keys, end => Assert.Contains(end, fault == "stall" ? ["Http2SilenceException"] : new[] { "end", "IOException", "Http2Exception" }));
        Assert.InRange(OpenDescriptors.Count(), 0, descriptors + 8);
    }

    private static async Task<byte[]> RecordAsync()
    {
        using TemporaryDirectory place = new();
        RecordingStream? recording = null;
        using DirectoryTarget target = Target(place);
        (GrpcServer server, SecretsService secrets, FileSendService files) = Serve(target, null);
        using (secrets)
        {
            await using HttpClientPeer peer = await HttpClientPeer.ServeAsync((transport, token) => server.RunAsync(recording = new RecordingStream(transport), token));
            foreach ((string path, byte[] body) in Requests())
            {
                using ByteArrayContent content = new(body);
                content.Headers.ContentType = new("application/grpc");
                using HttpResponseMessage answer = await peer.SendAsync(path, content, Stop);
                await answer.Content.ReadAsByteArrayAsync(Stop);
                Assert.Equal("0", answer.TrailingHeaders.GetValues("grpc-status").Single());
            }

            Assert.Null(files.Failure);
            Assert.Equal(Text, await File.ReadAllTextAsync(Path.Combine(place.Path, "out", "a", "b"), Stop));
            return recording!.Taken.ToArray();
        }
    }

    private static async Task<(string End, bool IsWhole)> ReplayAsync(ReadOnlyMemory<byte> part, string fault, bool isWhole)
    {
        using TemporaryDirectory place = new();
        using DirectoryTarget target = Target(place);
        TickClock clock = new();
        (GrpcServer server, SecretsService secrets, _) = Serve(target, clock);
        using (secrets)
        using (StreamPair pair = await StreamPair.CreateAsync())
        {
            Task serving = server.RunAsync(pair.Server, Stop);
            Task draining = DrainAsync(pair.Client);
            if (part.Length > 0)
            {
                await pair.Client.WriteAsync(part, Stop);
            }

            switch (fault)
            {
                case "cut":
                    pair.Client.Socket.Shutdown(SocketShutdown.Both);
                    break;
                case "half-close":
                    pair.Client.Socket.Shutdown(SocketShutdown.Send);
                    break;
                default:
                    // The whole is received before the clock runs, which is faster than any handler.
                    for (long begin = Stopwatch.GetTimestamp(); isWhole && !File.Exists(Path.Combine(place.Path, "out", "a", "b")) && Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(20); await Task.Delay(5, Stop))
                    {
                    }

                    // What came counts as a sign of life, whenever it is taken in; after it, as many ticks as there may be unanswered pings.
                    for (long begin = Stopwatch.GetTimestamp(); !serving.IsCompleted && Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(20); await Task.Yield())
                    {
                        clock.Tick();
                    }

                    break;
            }

            string end = "end";
            try
            {
                await serving.WaitAsync(TimeSpan.FromSeconds(30), Stop);
            }
            catch (Exception e) when (e is not TimeoutException)
            {
                end = e.GetType().Name;
            }

            pair.Server.Dispose();
            await draining;
            string output = Path.Combine(place.Path, "out");
            string[] files = Directory.GetFiles(output, "*", SearchOption.AllDirectories);
            Assert.All(files, file => Assert.Equal(Path.Combine(output, "a", "b"), file));
            Assert.All(files, static file => Assert.Equal(Text, File.ReadAllText(file)));
            return (end, files.Length > 0);
        }
    }

    private static async Task DrainAsync(NetworkStream stream)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer, Stop) > 0)
            {
            }
        }
        catch (IOException)
        {
        }
    }

    private static (GrpcServer Server, SecretsService Secrets, FileSendService Files) Serve(DirectoryTarget target, TimeProvider? clock)
    {
        GrpcServer server = new(BuildSession.Options(clock ?? TimeProvider.System));
        SecretsService secrets = new(new Dictionary<string, BuildSecret> { ["s"] = BuildSecret.FromBytes(new byte[64]) }, Stop);
        Secrets.BindService(server, secrets);
        FileSendService files = new();
        files.Add(0, target);
        files.BindTo(server);
        return (server, secrets, files);
    }

    private static DirectoryTarget Target(TemporaryDirectory place) => new(Path.Combine(place.Path, "out"), delete: false, new ReceiveLimits(), null);

    private static IEnumerable<(string Path, byte[] Body)> Requests()
    {
        yield return ("/grpc.health.v1.Health/Check", Frame(new HealthCheckRequest()));
        yield return ("/moby.buildkit.secrets.v1.Secrets/GetSecret", Frame(new GetSecretRequest { ID = "s" }));
        yield return ("/moby.filesync.v1.FileSend/DiffCopy",
        [
            .. Frame(new Packet { Stat = new Stat { Path = "a", Mode = Folder } }),
            .. Frame(new Packet { Stat = new Stat { Path = "a/b", Mode = 0x1A4, Size = Text.Length } }),
            .. Frame(new Packet()),
            .. Frame(new Packet { Type = Packet.Types.PacketType.PacketData, Id = 1, Data = ByteString.CopyFromUtf8(Text) }),
            .. Frame(new Packet { Type = Packet.Types.PacketType.PacketData, Id = 1 }),
            .. Frame(new Packet { Type = Packet.Types.PacketType.PacketFin }),
        ]);
    }

    private static byte[] Frame(IMessage message)
    {
        byte[] body = message.ToByteArray();
        byte[] framed = new byte[5 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), body.Length);
        body.CopyTo(framed, 5);
        return framed;
    }

    /// <summary>Keeps what is read through it.</summary>
    private sealed class RecordingStream(Stream inner) : Stream
    {
        public MemoryStream Taken { get; } = new();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = await inner.ReadAsync(buffer, cancellationToken);
            Taken.Write(buffer.Span[..count]);
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
