using System.Buffers.Binary;
using System.Threading.Channels;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Transfer;

/// <summary>Requests may come at any moment: while a reader waits for more of them, sends, or is about to end.</summary>
public class ContextSenderPaceTests
{
    private const int Files = 2000;

    [Fact]
    public async Task Each_request_is_answered_however_close_it_follows_another()
    {
        using TemporaryDirectory directory = new();
        for (int file = 0; file < Files; file++)
        {
            directory.File($"{file:0000}", "text");
        }

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using ContextTree tree = new DirectoryContextSource("context", directory.Path).OpenTree();
        PacedReceiver receiver = new();
        ContextFilter filter = RequestFilter.Create(FileSyncRequest.Parse([]), tree);
        Task sending = new ContextSender(receiver, tree, filter, new ContextCounters(), progress: null).RunAsync(limit.Token);
        await receiver.Listing.WaitAsync(limit.Token);

        // The second of each pair follows after a little longer each time, so that it meets every state of the first one's reader.
        for (uint id = 0; id < Files; id += 2)
        {
            receiver.Request(id);
            Thread.SpinWait((int)(id * 21 % 4000));
            receiver.Request(id + 1);
            await receiver.Answered.ReadAsync(limit.Token);
            await receiver.Answered.ReadAsync(limit.Token);
        }

        receiver.Finish();
        await sending;
    }

    private sealed class PacedReceiver : IPacketChannel
    {
        private readonly Channel<ReceivedPacket?> _packets = Channel.CreateUnbounded<ReceivedPacket?>();
        private readonly Channel<uint> _answered = Channel.CreateUnbounded<uint>();
        private readonly TaskCompletionSource _listing = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Listing => _listing.Task;

        public ChannelReader<uint> Answered => _answered.Reader;

        public void Request(uint id) => _packets.Writer.TryWrite(new ReceivedPacket(PacketType.Request, id, null));

        public void Finish() => _packets.Writer.TryWrite(new ReceivedPacket(PacketType.Finish, 0, null));

        public ValueTask<ReceivedPacket?> ReadAsync(CancellationToken cancellationToken) => _packets.Reader.ReadAsync(cancellationToken);

        public ValueTask WriteAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken)
        {
            while (!messages.IsEmpty)
            {
                int length = BinaryPrimitives.ReadInt32BigEndian(messages.Span[1..]);
                Packet packet = Packet.Parser.ParseFrom(messages.Span.Slice(5, length));
                messages = messages[(5 + length)..];
                if (packet is { Type: Packet.Types.PacketType.PacketStat, Stat: null })
                {
                    _listing.TrySetResult();
                }
                else if (packet is { Type: Packet.Types.PacketType.PacketData, Data.IsEmpty: true })
                {
                    _answered.Writer.TryWrite(packet.Id);
                }
            }

            return ValueTask.CompletedTask;
        }
    }
}
