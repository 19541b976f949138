namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>The stream of one transfer, as the sender sees it.</summary>
internal interface IPacketChannel
{
    /// <summary>Waits for the receiver's next packet; null when it has ended its side. One call at a time.</summary>
    public ValueTask<ReceivedPacket?> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Writes whole length-prefixed messages. One call at a time; the memory may be used again when it returns.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken);
}
