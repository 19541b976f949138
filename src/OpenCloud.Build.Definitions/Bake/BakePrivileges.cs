namespace OpenCloud.Build.Definitions.Bake;

/// <summary>What a target asks for that a file from elsewhere should not get unasked.</summary>
/// <remarks>The words and the cases are those of <c>buildx bake --allow</c> (docker/buildx, bake/entitlements.go).</remarks>
internal static class BakePrivileges
{
    public static IReadOnlyList<string> Of(BakeTarget target, string directory)
    {
        List<string> privileges = [.. (target.Entitlements ?? []).Where(static e => e is "network.host" or "security.insecure" || e == "device" || e.StartsWith("device=", StringComparison.Ordinal))];
        List<string> reads = [];
        List<string> writes = [];
        string context = target.Context ?? ".";
        foreach (string place in (target.Contexts ?? []).Values.Append(context))
        {
            AddPlace(place);
        }

        // Not the Dockerfile of a context elsewhere: it is there, too.
        if (target.DockerfileInline is null && target.Dockerfile is { Length: > 0 } dockerfile && IsOnMachine(context))
        {
            AddPlace(dockerfile.StartsWith("cwd://", StringComparison.Ordinal) ? dockerfile : Path.Join(Path.IsPathRooted(dockerfile) ? null : Bare(context), dockerfile));
        }

        foreach (BakeEntry output in target.Outputs ?? [])
        {
            if (output.Attributes.TryGetValue("dest", out string? dest) && dest != "-")
            {
                writes.Add(dest);
            }

            if (output.Type == "local" && output.Attributes.TryGetValue("mode", out string? mode) && mode == "delete")
            {
                privileges.Add("buildx.local.delete");
            }
        }

        reads.AddRange((target.CacheFrom ?? []).Where(static c => c.Type == "local").Select(static c => c.Attributes.GetValueOrDefault("src")).OfType<string>());
        writes.AddRange((target.CacheTo ?? []).Where(static c => c.Type == "local").Select(static c => c.Attributes.GetValueOrDefault("dest")).OfType<string>());
        reads.AddRange((target.Secrets ?? []).Select(static s => s.File).Where(static f => f.Length > 0));
        foreach (BakeSsh agent in target.Ssh ?? [])
        {
            reads.AddRange(agent.Paths);
            if (agent.Paths.Count == 0)
            {
                privileges.Add("ssh");
            }
        }

        string root = BakePaths.Real(directory);
        privileges.AddRange(Outside(reads, "fs.read"));
        privileges.AddRange(Outside(writes, "fs.write"));
        return [.. privileges.Distinct(StringComparer.Ordinal)];

        // What is within another of them needs no word of its own.
        IEnumerable<string> Outside(List<string> paths, string key)
        {
            HashSet<string> outside = [.. paths.Select(p => BakePaths.Real(BakePaths.Full(p, directory))).Where(p => !BakePaths.IsWithin(p, root))];
            return outside.Where(p => !Above(p).Any(outside.Contains)).Order(StringComparer.Ordinal).Select(p => $"{key}={p}");
        }

        void AddPlace(string place)
        {
            if (BakePaths.IsLayout(place))
            {
                reads.Add(place[BakePaths.LayoutScheme.Length..].Split('@')[0]);
            }
            else if (IsOnMachine(place))
            {
                reads.Add(Bare(place));
            }
        }
    }

    /// <summary>Whether what is granted includes a privilege.</summary>
    public static bool Includes(string granted, string privilege, string directory)
    {
        string[] given = granted.Split('=', 2);
        string[] asked = privilege.Split('=', 2);
        if (asked is ["fs.read" or "fs.write", string path])
        {
            return given is [string key, string place] && (key == "fs" || key == asked[0])
                && (place == "*" || BakePaths.IsWithin(path, BakePaths.Real(BakePaths.Full(place, directory))));
        }

        return granted == privilege || (granted == "device" && asked[0] == "device");
    }

    private static IEnumerable<string> Above(string path)
    {
        for (string? parent = Path.GetDirectoryName(path); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            yield return parent;
        }
    }

    private static bool IsOnMachine(string place) => place.StartsWith("cwd://", StringComparison.Ordinal) || BakePaths.IsLocal(place);

    private static string Bare(string place) => place.StartsWith("cwd://", StringComparison.Ordinal) ? place["cwd://".Length..] : place;
}
