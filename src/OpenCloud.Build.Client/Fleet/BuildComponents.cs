namespace OpenCloud.Build.Client.Fleet;

/// <summary>Which builds of a set have to be on the same node: those that share a directory or use each other's results, also through others.</summary>
internal static class BuildComponents
{
    /// <summary>The first build of the component of each build, by name.</summary>
    /// <param name="builds">The builds in order, with what they share (null for nothing) and the builds whose results they use.</param>
    public static Dictionary<string, string> Of(IEnumerable<(string Name, string? Shared, IReadOnlyList<string> DependsOn)> builds)
    {
        (string Name, string? Shared, IReadOnlyList<string> DependsOn)[] all = [.. builds];
        Dictionary<string, int> positions = all.Select(static (build, position) => (build.Name, position)).ToDictionary(static b => b.Name, static b => b.position, StringComparer.Ordinal);
        Dictionary<string, int> sharers = new(StringComparer.Ordinal);
        int[] first = [.. Enumerable.Range(0, all.Length)];
        for (int i = 0; i < all.Length; i++)
        {
            if (all[i].Shared is { } shared && !sharers.TryAdd(shared, i))
            {
                Join(i, sharers[shared]);
            }

            foreach (string other in all[i].DependsOn)
            {
                if (positions.TryGetValue(other, out int position))
                {
                    Join(i, position);
                }
            }
        }

        return all.Select((build, i) => (build.Name, all[Root(i)].Name)).ToDictionary(static b => b.Item1, static b => b.Item2, StringComparer.Ordinal);

        int Root(int i)
        {
            while (first[i] != i)
            {
                i = first[i] = first[first[i]];
            }

            return i;
        }

        void Join(int one, int other)
        {
            (int a, int b) = (Root(one), Root(other));
            first[Math.Max(a, b)] = Math.Min(a, b);
        }
    }
}
