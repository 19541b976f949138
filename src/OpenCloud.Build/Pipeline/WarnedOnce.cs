namespace OpenCloud.Build.Pipeline;

/// <summary>Warnings of connecting, each written once: a store, an engine and each of a build's calls connect more than one time.</summary>
internal sealed class WarnedOnce
{
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);

    /// <summary>Writes a warning if it is new; from any thread.</summary>
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
