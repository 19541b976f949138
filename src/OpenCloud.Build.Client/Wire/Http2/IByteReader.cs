namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>The bytes of one direction of a call.</summary>
internal interface IByteReader
{
    /// <summary>Reads bytes; 0 at the end. One call at a time.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);
}
