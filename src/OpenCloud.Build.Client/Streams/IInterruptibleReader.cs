namespace OpenCloud.Build.Client.Streams;

/// <summary>
/// A stream whose reader can be stopped without an exception. Canceling a read throws in every method between the socket and the owner of
/// the token, although a session's end is normal: that was a fifth of the CPU of a build that has nothing to send.
/// </summary>
internal interface IInterruptibleReader
{
    /// <summary>Makes the waiting read, and every later one, return 0 as at the end. May be called from any thread.</summary>
    /// <returns>False when this stream does not support it: then cancel the read.</returns>
    public bool TryInterruptRead();
}
