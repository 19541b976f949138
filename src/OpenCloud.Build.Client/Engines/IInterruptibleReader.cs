namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// A stream whose reader can be sent home without an exception. Cancelling a read throws in every method between the socket and who gave
/// the token, and a session's end is nothing out of the ordinary: that was a fifth of the CPU of a build that has nothing to send.
/// </summary>
internal interface IInterruptibleReader
{
    /// <summary>Has the read that waits, and every later one, return 0 as at the end. May be called from any thread.</summary>
    /// <returns>False when this stream cannot: then the read is to be cancelled.</returns>
    public bool TryInterruptRead();
}
