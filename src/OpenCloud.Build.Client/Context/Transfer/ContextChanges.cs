namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>What is done about files that are not what was listed any more when they are sent.</summary>
/// <param name="isStrict">Whether such a file ends the transfer; else what is found is sent, and it is told.</param>
/// <param name="warn">Takes sentences for the user; null for nobody.</param>
internal sealed class ContextChanges(bool isStrict = false, Action<string>? warn = null)
{
    private const int MostNamed = 20;

    private int _count;

    /// <summary>Whether a change ends the transfer.</summary>
    public bool IsStrict { get; } = isStrict;

    /// <summary>Tells of a change. Safe for concurrent use.</summary>
    /// <exception cref="ContextException">The same, where changes are not put up with.</exception>
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
                warn?.Invoke("More files of the build context changed while it was sent; they are not named.");
                break;
        }
    }
}
