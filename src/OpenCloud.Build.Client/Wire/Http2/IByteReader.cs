namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>The bytes of one direction of a call.</summary>
internal interface IByteReader
{
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);
}
