using OpenCloud.Build.Client.Session;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Session;

public sealed class SshMessageBufferTests
{
    [Fact]
    public void MovesEachByteButAFewTimesHoweverSmallThePiecesAre()
    {
        byte[] message = Message(SshAgentFilter.MaxMessage);
        SshMessageBuffer buffer = new();
        for (int at = 0; at < message.Length; at++)
        {
            Assert.False(buffer.TryTake(out _));
            buffer.Add(message.AsSpan(at, 1));
        }

        Assert.True(buffer.TryTake(out ReadOnlyMemory<byte> taken));
        Assert.Equal(message, taken.ToArray());
        Assert.InRange(buffer.Moved, 0, 4L * message.Length);
    }

    [Fact]
    public void TakesManyMessagesOfOnePiece()
    {
        const int Count = 20_000;
        byte[] all = [.. Enumerable.Repeat(Message(1), Count).SelectMany(static m => m)];
        SshMessageBuffer buffer = new();
        buffer.Add(all);
        int taken = 0;
        while (buffer.TryTake(out ReadOnlyMemory<byte> message))
        {
            Assert.Equal(5, message.Length);
            taken++;
        }

        Assert.Equal(Count, taken);
        Assert.Equal(0, buffer.Moved);
    }

    [Fact]
    public void KeepsWhatIsNotWholeYet()
    {
        SshMessageBuffer buffer = new();
        byte[] message = Message(900);
        buffer.Add([.. message, .. message.AsSpan(0, 10)]);
        Assert.True(buffer.TryTake(out _));
        Assert.False(buffer.TryTake(out _));
        buffer.Add(message.AsSpan(10));
        Assert.True(buffer.TryTake(out ReadOnlyMemory<byte> taken));
        Assert.Equal(message, taken.ToArray());
        Assert.False(buffer.TryTake(out _));
    }

    private static byte[] Message(int length)
    {
        byte[] message = new byte[length + 4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(message, length);
        message.AsSpan(4).Fill(11);
        return message;
    }
}
