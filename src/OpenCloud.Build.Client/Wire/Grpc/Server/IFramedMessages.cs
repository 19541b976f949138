namespace OpenCloud.Build.Client.Wire.Grpc.Server;

/// <summary>The two directions of a call as serialized messages.</summary>
internal interface IFramedMessages
{
    /// <summary>Reads the next message, which the caller disposes; null when the peer sends no more.</summary>
    public ValueTask<ReceivedMessage?> ReadMessageAsync(CancellationToken cancellationToken);

    /// <summary>Sends serialized messages that already have their gRPC prefixes.</summary>
    public ValueTask WriteFramedAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken, bool moreFollows = false);
}
