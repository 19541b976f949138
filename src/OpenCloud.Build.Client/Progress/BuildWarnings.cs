namespace OpenCloud.Build.Client.Progress;

/// <summary>The warnings of this client about a build, each once, reported at once. Thread-safe; <c>tell</c> is called on any thread.</summary>
internal sealed class BuildWarnings(Action<BuildWarning> tell)
{
    private const int Most = 1000;

    private readonly Lock _gate = new();
    private readonly List<BuildWarning> _all = [];

    public IReadOnlyList<BuildWarning> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _all];
            }
        }
    }

    public void Add(string message)
    {
        BuildWarning warning = new(message, string.Empty, null, null, null, 0);
        lock (_gate)
        {
            if (_all.Count >= Most || _all.Contains(warning))
            {
                return;
            }

            _all.Add(warning);
        }

        tell(warning);
    }
}
