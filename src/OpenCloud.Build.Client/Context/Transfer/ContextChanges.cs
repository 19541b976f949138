namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>What happens when a file has changed between listing and sending.</summary>
internal sealed class ContextChanges(bool isStrict = false, Action<string>? warn = null)
{
    private const int MostNamed = 20;

    private int _count;

    /// <summary>Whether a change ends the transfer; otherwise the current content is sent and the user is warned.</summary>
    public bool IsStrict { get; } = isStrict;

    /// <summary>Reports a change. Safe for concurrent use.</summary>
    /// <exception cref="ContextException">The change itself, when changes end the transfer.</exception>
    public void Report(ContextException change)
    {
        if (IsStrict)
        {
            throw change;
        }

        switch (Interlocked.Increment(ref _count))
        {
            case <= MostNamed:
                warn?.Invoke(change.Message);
                break;
            case MostNamed + 1:
                warn?.Invoke("More files of the build context changed while it was sent; they are not listed.");
                break;
        }
    }
}
