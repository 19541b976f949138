using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>The privileges of a build that an untrusted definition must not get without consent.</summary>
/// <remarks>
/// The names and rules are those of <c>buildx bake --allow</c> (docker/buildx, bake/entitlements.go). They are derived from the finished build,
/// so that they apply to the same values that <c>Invoke-ImageBuild</c> gets.
/// </remarks>
internal static class BakePrivileges
{
    /// <param name="build">The build.</param>
    /// <param name="directory">The directory whose files a definition of this machine gets unasked.</param>
    /// <param name="isRemote">Whether the definition comes from elsewhere, and gets none of them unasked.</param>
    public static IReadOnlyList<string> Of(BuildDefinition build, string directory, bool isRemote)
    {
        List<string> privileges = [.. (build.Allow ?? []).Where(static e => e is "network.host" or "security.insecure" || e == "device" || e.StartsWith("device=", StringComparison.Ordinal))];
        if (build.Network == "Host")
        {
            privileges.Add("network.host");
        }

        List<string> reads = [.. Places(build)];
        List<string> writes = [];
        foreach (IReadOnlyDictionary<string, string> output in build.Output ?? [])
        {
            if (output.TryGetValue("dest", out string? dest) && dest != "-")
            {
                writes.Add(dest);
            }

            if (output.TryGetValue("mode", out string? mode) && mode == "delete")
            {
                privileges.Add("buildx.local.delete");
            }
        }

        foreach (IReadOnlyDictionary<string, string> cache in (build.CacheFrom ?? []).Concat(build.CacheTo ?? []).Where(static c => c["type"] == "local"))
        {
            reads.AddRange(cache.Where(static a => a.Key == "src" && a.Value.Length > 0).Select(static a => a.Value));
            writes.AddRange(cache.Where(static a => a.Key == "dest" && a.Value.Length > 0).Select(static a => a.Value));
        }

        reads.AddRange((build.Secret ?? new Dictionary<string, string>()).Values.Where(static s => s.StartsWith("file:", StringComparison.Ordinal)).Select(static s => s["file:".Length..]));
        foreach (BakeSsh agent in (build.Ssh ?? []).Select(BakeSsh.Parse))
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

        // A path below another one in the list is covered by it.
        IEnumerable<string> Outside(List<string> paths, string key)
        {
            HashSet<string> outside = [.. paths.Select(p => BakePaths.Real(BakePaths.Full(p, directory))).Where(p => isRemote || !BakePaths.IsWithin(p, root))];
            return outside.Where(p => !Above(p).Any(outside.Contains)).Order(StringComparer.Ordinal).Select(p => $"{key}={p}");
        }
    }

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

    /// <summary>The local contexts and Dockerfile. Local ones are full paths; remote ones are not.</summary>
    private static IEnumerable<string> Places(BuildDefinition build)
    {
        bool isLocal = Path.IsPathRooted(build.LiteralPath);
        if (isLocal)
        {
            yield return build.LiteralPath;
        }

        // The default Dockerfile of a directory may be a symbolic link.
        string? dockerfile = build.Dockerfile ?? (isLocal ? Path.Join(build.LiteralPath, "Dockerfile") : null);
        if (build.DockerfileText is null && Path.IsPathRooted(dockerfile))
        {
            yield return dockerfile;
        }

        foreach (string place in (build.BuildContext ?? new Dictionary<string, string>()).Values)
        {
            foreach (string path in BakePaths.IsLayout(place) ? Layout(place[BakePaths.LayoutScheme.Length..]) : Path.IsPathRooted(place) ? [place] : [])
            {
                yield return path;
            }
        }
    }

    // A tag and a digest may follow the layout's directory. If ':' or '@' belongs to its name, a directory of that name exists.
    private static IEnumerable<string> Layout(string text)
    {
        string bare = text.Split('@')[0];
        string[] longer = [text, .. WithoutTag(text), bare];
        string shortest = WithoutTag(bare).FirstOrDefault(bare);
        return longer.Where(Path.Exists).Prepend(shortest).Distinct(StringComparer.Ordinal);
    }

    private static string[] WithoutTag(string path)
    {
        int colon = path.LastIndexOf(':');
        return colon > path.LastIndexOf('/') ? [path[..colon]] : [];
    }

    private static IEnumerable<string> Above(string path)
    {
        for (string? parent = Path.GetDirectoryName(path); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            yield return parent;
        }
    }
}
