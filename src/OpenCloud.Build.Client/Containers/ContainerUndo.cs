namespace OpenCloud.Build.Client.Containers;

/// <summary>The changes of one run, undone newest first when it fails. Undoing has a time of its own: the run may have been cancelled.</summary>
internal sealed class ContainerUndo
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly Stack<(string What, Func<CancellationToken, Task> Undo)> _changes = new();

    /// <summary>Records how to undo a change that is made next or was just made.</summary>
    public void Add(string what, Func<CancellationToken, Task> undo) => _changes.Push((what, undo));

    /// <summary>Undoes all changes; what could not be undone, in words.</summary>
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        List<string> left = [];
        using CancellationTokenSource limit = new(Longest);
        while (_changes.TryPop(out (string What, Func<CancellationToken, Task> Undo) change))
        {
            try
            {
                await change.Undo(limit.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                left.Add($"{change.What} ({e.Message})");
            }
        }

        return left;
    }
}
