namespace OpenCloud.Build.Client.Progress;

/// <summary>What this side of a build warns of, each once, told as soon as it is known. Safe for concurrent use.</summary>
/// <param name="tell">Is told of each; called from any thread.</param>
internal sealed class BuildWarnings(Action<BuildWarning> tell)
{
    private const int Most = 1000;

    private readonly Lock _gate = new();
    private readonly List<BuildWarning> _all = [];

    /// <summary>The warnings so far, in their order.</summary>
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

    /// <summary>Adds a warning.</summary>
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
