namespace OpenCloud.Build.Pipeline;

/// <summary>Connection warnings, each written once: a store, an engine and the calls of a build connect more than once.</summary>
internal sealed class WarnedOnce
{
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);

    /// <summary>Writes a warning if it is new. Thread-safe.</summary>
    public void Warn(string text, IPipelinePoster poster)
    {
        lock (_texts)
        {
            if (!_texts.Add(text))
            {
                return;
            }
        }

        poster.Warning(text);
    }
}
