namespace OpenCloud.Build.Client.Streams;

/// <summary>A connection that may know why it ended, which its socket does not.</summary>
internal interface IEndedConnection
{
    /// <summary>Why the connection ended, after its end was read; null when it ended in order, or when <see cref="StopExplaining"/> was called. Waits, but for less than 3 s.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public IOException? WhyEnded(CancellationToken cancellationToken);

    /// <summary>Ends the wait of <see cref="WhyEnded"/>: nobody reads the answer.</summary>
    public void StopExplaining();
}
