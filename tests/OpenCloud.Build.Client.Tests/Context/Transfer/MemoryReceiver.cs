using System.Buffers.Binary;
using System.Text;
using System.Threading.Channels;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Transfer;

/// <summary>A receiver that asks for files as soon as they are listed, and checks the rules of the protocol on the way.</summary>
internal sealed class MemoryReceiver : IPacketChannel
{
    private readonly Channel<ReceivedPacket?> _toSender = Channel.CreateUnbounded<ReceivedPacket?>();
    private readonly HashSet<uint> _open = [];
    private int _writers;

    /// <summary>Which listed files are asked for; all regular ones by default.</summary>
    public Func<uint, Stat, bool> Wants { get; set; } = static (_, stat) => (stat.Mode & GoFileMode.TypeMask) == 0 && stat.Linkname.Length == 0;

    /// <summary>Called for each listed entry before it is asked for.</summary>
    public Action<Stat>? Listed { get; set; }

    /// <summary>What is sent when everything has come; FIN by default.</summary>
    public Action<MemoryReceiver> Completed { get; set; } = static receiver => receiver.Send(new ReceivedPacket(PacketType.Finish, 0, null));

    public List<Stat> Stats { get; } = [];

    /// <summary>The STAT messages as they came.</summary>
    public List<byte[]> RawStats { get; } = [];

    public Dictionary<uint, byte[]> Content { get; } = [];

    public Dictionary<uint, int> Packets { get; } = [];

    public bool ListingEnded { get; private set; }

    public bool Finished { get; private set; }

    public string? Error { get; private set; }

    public int Writes { get; private set; }

    public void Send(ReceivedPacket? packet) => _toSender.Writer.TryWrite(packet);

    public ValueTask<ReceivedPacket?> ReadAsync(CancellationToken cancellationToken) => _toSender.Reader.ReadAsync(cancellationToken);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken)
    {
        Assert.Equal(1, Interlocked.Increment(ref _writers));
        Writes++;
        await Task.Yield();
        while (!messages.IsEmpty)
        {
            Assert.Equal(0, messages.Span[0]);
            int length = BinaryPrimitives.ReadInt32BigEndian(messages.Span[1..]);
            Take(messages.Slice(5, length).ToArray());
            messages = messages[(5 + length)..];
        }

        Interlocked.Decrement(ref _writers);
    }

    /// <summary>The content by path.</summary>
    public string Text(string path) => Encoding.UTF8.GetString(Content[(uint)Stats.FindIndex(stat => stat.Path == path)]);

    public Stat this[string path] => Stats.Single(stat => stat.Path == path);

    private void Take(byte[] message)
    {
        Packet packet = ReadablePacket.Parse(message);
        Assert.False(Finished, "Nothing may follow FIN.");
        switch (packet.Type)
        {
            case Packet.Types.PacketType.PacketStat when packet.Stat is null:
                Assert.False(ListingEnded);
                ListingEnded = true;
                break;
            case Packet.Types.PacketType.PacketStat:
                Assert.False(ListingEnded);
                uint id = (uint)Stats.Count;
                Stats.Add(packet.Stat);
                RawStats.Add(message);
                Listed?.Invoke(packet.Stat);
                if (Wants(id, packet.Stat))
                {
                    _open.Add(id);
                    Content[id] = [];
                    Send(new ReceivedPacket(PacketType.Request, id, null));
                }

                break;
            case Packet.Types.PacketType.PacketData:
                Assert.Contains(packet.Id, _open);
                Packets[packet.Id] = Packets.GetValueOrDefault(packet.Id) + 1;
                if (packet.Data.IsEmpty)
                {
                    _open.Remove(packet.Id);
                }

                Content[packet.Id] = [.. Content[packet.Id], .. packet.Data];
                break;
            case Packet.Types.PacketType.PacketFin:
                Finished = true;
                break;
            case Packet.Types.PacketType.PacketErr:
                Error = packet.Data.ToStringUtf8();
                break;
            default:
                Assert.Fail($"A sender does not send {packet.Type}.");
                break;
        }

        if (ListingEnded && _open.Count == 0 && !Finished && Error is null)
        {
            Completed(this);
        }
    }
}
