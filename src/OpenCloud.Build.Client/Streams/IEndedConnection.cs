namespace OpenCloud.Build.Client.Streams;

/// <summary>A connection that may know why it ended, which its socket does not.</summary>
internal interface IEndedConnection
{
    /// <summary>Why the connection ended, after its end was read; null when it ended in order. May wait briefly.</summary>
    public IOException? WhyEnded();
}
