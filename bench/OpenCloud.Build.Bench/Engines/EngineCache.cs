using System.Globalization;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Engines;

/// <summary>The engine's build cache, looked at and emptied with the peers' own commands.</summary>
internal sealed class EngineCache(CommandLine prune, CommandLine usage)
{
    private static readonly TimeSpan EmptyLimit = TimeSpan.FromSeconds(10);

    // As go-units writes sizes: decimal, four digits at most.
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>Removes everything that the engine keeps of earlier builds, the copies of their contexts included.</summary>
    /// <exception cref="BenchException">Something is still there: what follows would not be cold.</exception>
    public void Empty()
    {
        // A build's records stay in use for a moment after its client has left.
        DateTime limit = DateTime.UtcNow + EmptyLimit;
        do
        {
            _ = prune.Capture();
            if (Bytes() == 0)
            {
                return;
            }
        }
        while (DateTime.UtcNow < limit);

        throw new BenchException("The engine's cache cannot be emptied; it still has:\n" + usage.Capture());
    }

    /// <summary>How much it holds, to about a thousandth, rounded up.</summary>
    public long Bytes()
    {
        string total = usage.Capture().Split('\n').FirstOrDefault(line => line.StartsWith("Total:", StringComparison.Ordinal))
            ?? throw new BenchException($"'{usage}' named no total.");
        string size = total["Total:".Length..].Trim();
        int digits = size.TakeWhile(character => char.IsAsciiDigit(character) || character == '.').Count();
        int unit = Array.IndexOf(Units, size[digits..].Trim());
        return unit >= 0 && double.TryParse(size[..digits], CultureInfo.InvariantCulture, out double number)
            ? (long)Math.Ceiling(number * Math.Pow(1000, unit) * 1.001)
            : throw new BenchException($"'{usage}' named a total of '{size}', which is no size.");
    }
}
