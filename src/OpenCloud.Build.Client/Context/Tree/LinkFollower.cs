using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>Resolves the paths that a build names to the paths that must be sent to make them reachable.</summary>
/// <remarks>
/// Source of the rules: fsutil's followlinks.go. Every link on the way is sent, and what it points to, as if the context were
/// the root of a file system. A wildcard component stands for the links that it matches. A path that leaves the context is
/// not followed further; nothing outside the root is ever touched.
/// </remarks>
internal sealed class LinkFollower
{
    private readonly ContextTree _tree;
    private readonly TreeEntry _entry = new();
    private readonly SortedSet<byte[]> _resolved = new(Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right)));

    private LinkFollower(ContextTree tree) => _tree = tree;

    /// <summary>The paths to include; null when one of them is the root, which includes everything.</summary>
    public static List<byte[]>? Follow(ContextTree tree, IReadOnlyList<byte[]> paths)
    {
        LinkFollower follower = new(tree);
        foreach (byte[] path in paths)
        {
            follower.Add(path);
        }

        return RemoveCovered([.. follower._resolved]);
    }

    /// <summary>Drops a path that lies beneath the one before it; null when one is the root.</summary>
    public static List<byte[]>? RemoveCovered(List<byte[]> paths)
    {
        List<byte[]> kept = new(paths.Count);
        byte[] last = [];
        foreach (byte[] path in paths)
        {
            if (path is [(byte)'.'])
            {
                return null;
            }

            if (path.Length > last.Length && path[last.Length] == BytePath.Separator && path.AsSpan().StartsWith(last))
            {
                continue;
            }

            kept.Add(path);
            last = path;
        }

        return kept;
    }

    private void Add(byte[] start)
    {
        // A work list instead of recursion: the daemon chooses the paths, and links can be many.
        Stack<byte[]> open = new();
        open.Push(start);
        while (open.TryPop(out byte[]? path))
        {
            AddOne(path, open);
        }
    }

    private void AddOne(byte[] path, Stack<byte[]> open)
    {
        ReadOnlySpan<byte> rest = BytePath.Join("."u8, path);
        byte[] current = "."u8.ToArray();
        while (true)
        {
            int slash = rest.IndexOf(BytePath.Separator);
            current = BytePath.Join(current, slash < 0 ? rest : rest[..slash]);
            rest = slash < 0 ? [] : rest[(slash + 1)..];

            List<byte[]>? targets = ReadLinks(current, wildcards: true);
            if (targets is not null)
            {
                if (_resolved.Add(current))
                {
                    for (int i = targets.Count - 1; i >= 0; i--)
                    {
                        open.Push(BytePath.Join(targets[i], rest));
                    }
                }

                return;
            }

            if (rest.IsEmpty)
            {
                _resolved.Add(current);
                return;
            }
        }
    }

    /// <summary>The targets of a link, or of all links that a wildcard matches, as rooted paths; null when there is none.</summary>
    private List<byte[]>? ReadLinks(byte[] path, bool wildcards)
    {
        byte[] directory = BytePath.Directory(path).ToArray();
        byte[] name = BytePath.Name(path).ToArray();
        if (wildcards && NameMatch.HasWildcard(name))
        {
            return ReadMatchingLinks(directory, name);
        }

        using TreeDirectory? parent = OpenDirectory(directory);
        if (parent is null || name is [(byte)'.'] or [(byte)'.', (byte)'.'] || !parent.TryStat(name, _entry) || !_entry.IsSymlink)
        {
            return null;
        }

        byte[] target = BytePath.Clean(_entry.LinkName.Span);
        return [target[0] == BytePath.Separator ? target : BytePath.Join("/"u8, BytePath.Join(directory, target))];
    }

    private List<byte[]>? ReadMatchingLinks(byte[] directory, byte[] pattern)
    {
        NameList names = new();
        using (TreeDirectory? parent = OpenDirectory(directory))
        {
            int error = parent?.List(names) ?? 0;
            if (error != 0 && !LinuxCalls.IsGone(error))
            {
                throw ContextException.Unreadable("list", Utf8.Display(directory), LinuxCalls.Describe(error));
            }
        }

        names.Sort();
        List<byte[]>? targets = null;
        for (int i = 0; i < names.Count; i++)
        {
            if (NameMatch.IsMatch(pattern, names[i], out _) && ReadLinks(BytePath.Join(directory, names[i]), wildcards: false) is { } found)
            {
                (targets ??= []).AddRange(found);
            }
        }

        return targets;
    }

    /// <summary>Opens a directory of the tree without passing links; null when it is not there or leaves the tree.</summary>
    private TreeDirectory? OpenDirectory(ReadOnlySpan<byte> path)
    {
        TreeDirectory? directory = _tree.OpenRoot();
        if (path.SequenceEqual("."u8))
        {
            return directory;
        }

        foreach (Range component in path.Split(BytePath.Separator))
        {
            TreeDirectory parent = directory;
            int error = LinuxCalls.NoEntry;
            directory = path[component].SequenceEqual(".."u8) ? null : parent.Open(path[component], out error);
            parent.Dispose();
            if (directory is null)
            {
                return LinuxCalls.IsGone(error)
                    ? null
                    : throw ContextException.Unreadable("open the directory", Utf8.Display(path), LinuxCalls.Describe(error));
            }
        }

        return directory;
    }
}
