using System.Runtime.InteropServices;

namespace OpenCloud.Build.Client.Engines.Nodes;

/// <summary>
/// The order in which a key prefers nodes: rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998).
/// Each pair of key and node has a weight, and the nodes are sorted by it. A node that goes moves only the keys whose first node it was, and a
/// node that comes takes its share from all others evenly. Every process computes the same order, without knowing of others.
/// </summary>
internal static class NodeRanking
{
    // FNV-1a with 64 bits (draft-eastlake-fnv); its weak high bits are mixed by the finalizer of SplitMix64.
    private const ulong OffsetBasis = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    /// <summary>The nodes, the one that the key prefers first. The order of the input does not matter.</summary>
    /// <param name="key">What the nodes are chosen for, for example the path of a context.</param>
    /// <param name="nodes">The names of the nodes, each once.</param>
    public static IReadOnlyList<string> Rank(string key, IReadOnlyList<string> nodes)
    {
        ulong hash = Hash(key);
        (ulong Weight, string Node)[] weights = new (ulong, string)[nodes.Count];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (Mix(hash ^ Mix(Hash(nodes[i]))), nodes[i]);
        }

        Array.Sort(weights, static (a, b) => a.Weight == b.Weight ? string.CompareOrdinal(a.Node, b.Node) : b.Weight.CompareTo(a.Weight));
        return Array.ConvertAll(weights, static w => w.Node);
    }

    // Over UTF-16 code units, least significant byte first on every machine.
    private static ulong Hash(string text)
    {
        ulong hash = OffsetBasis;
        foreach (ushort unit in MemoryMarshal.Cast<char, ushort>(text.AsSpan()))
        {
            hash = (hash ^ (byte)unit) * Prime;
            hash = (hash ^ (uint)(unit >> 8)) * Prime;
        }

        return hash;
    }

    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
