using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Engines;

/// <summary>Empties the engine's build cache, with the peers' own commands.</summary>
internal sealed class EngineCache(CommandLine prune, CommandLine usage)
{
    /// <summary>Removes everything that the engine keeps of earlier builds, the copies of their contexts included.</summary>
    /// <exception cref="BenchException">Something is still there: what follows would not be cold.</exception>
    public void Empty()
    {
        // A build's records stay in use for a moment after its client has left.
        var limit = DateTime.UtcNow + TimeSpan.FromSeconds(10);
        string left;
        do
        {
            _ = prune.Capture();
            left = usage.Capture();
            if (left.Split('\n').Any(line => line.StartsWith("Total:", StringComparison.Ordinal) &&
                line["Total:".Length..].Trim() is "0B" or "0 B"))
            {
                return;
            }
        }
        while (DateTime.UtcNow < limit);

        throw new BenchException("The engine's cache cannot be emptied; it still has:\n" + left);
    }
}
