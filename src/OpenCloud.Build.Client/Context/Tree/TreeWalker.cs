using System.Runtime.InteropServices;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>Walks a tree in the order of the protocol and yields the entries that a filter passes, one by one.</summary>
/// <remarks>
/// The order is by components' bytes, a directory before its contents. A directory that only leads to something is yielded just
/// before the first thing in it that is sent (fsutil's filter.go). An entry that vanishes during the walk counts as never
/// there. Memory is bounded by the widest directories on one path, not by the tree.
/// </remarks>
internal sealed class TreeWalker : IDisposable
{
    private readonly ContextFilter? _filter;
    private readonly List<Level> _levels = [];
    private readonly Dictionary<(ulong FileSystem, ulong Inode), byte[]> _linked = [];
    private byte[] _path = new byte[256];
    private int _pathLength;
    private int _depth;
    private State _state = State.Next;

    public TreeWalker(ContextTree tree, ContextFilter? filter)
    {
        _filter = filter;
        _levels.Add(new Level { Directory = tree.OpenRoot(), Given = true });
        Fill(_levels[0]);
    }

    private enum State
    {
        Next,

        /// <summary>The current entry waits until the directories above it are yielded.</summary>
        Waiting,

        /// <summary>A directory was yielded and is entered next.</summary>
        Enter,
    }

    /// <summary>The entry that was yielded last. The object is the same every time.</summary>
    public TreeEntry Entry { get; } = new();

    public ReadOnlySpan<byte> Path => _path.AsSpan(0, _pathLength);

    /// <summary>The path of the directory that the entry is in, "" for the root.</summary>
    public ReadOnlySpan<byte> ParentPath => _path.AsSpan(0, _levels[_depth].PathLength);

    /// <summary>A number that the caller may attach to the entry's directory; -1 at first.</summary>
    public ref int ParentTag => ref _levels[_depth].Tag;

    /// <exception cref="ContextException">An entry that would be sent cannot be read.</exception>
    public bool MoveNext()
    {
        while (true)
        {
            switch (_state)
            {
                case State.Waiting:
                    if (TryGive())
                    {
                        return true;
                    }

                    break;
                case State.Enter:
                    _state = State.Next;
                    Enter(given: true);
                    break;
                default:
                    if (!Advance())
                    {
                        return false;
                    }

                    break;
            }
        }
    }

    public void Dispose()
    {
        foreach (Level level in _levels)
        {
            level.Close();
        }
    }

    /// <summary>Takes the next name that the filter passes; false when the walk is over.</summary>
    private bool Advance()
    {
        Level level = _levels[_depth];
        while (level.Position == level.Names.Count)
        {
            level.Close();
            if (_depth == 0)
            {
                return false;
            }

            level = _levels[--_depth];
        }

        int index = level.Position++;
        SetPath(level.PathLength, level.Names[index]);
        bool isDirectory = level.Names.KindOf(index) switch
        {
            EntryKind.Unknown => level.Directory!.TryStat(level.Names[index], Entry) && Entry.IsDirectory,
            EntryKind kind => kind == EntryKind.Directory,
        };
        switch (_filter?.Judge(Path, _depth, isDirectory) ?? FilterVerdict.Send)
        {
            case FilterVerdict.Send:
                _state = State.Waiting;
                break;
            case FilterVerdict.Pass:
                Enter(given: false);
                break;
        }

        return true;
    }

    /// <summary>Yields the outermost directory that was not yielded yet, or else the waiting entry; false when it has vanished.</summary>
    private bool TryGive()
    {
        for (int depth = 1; depth <= _depth; depth++)
        {
            if (!_levels[depth].Given)
            {
                return TryGiveParent(depth);
            }
        }

        Level level = _levels[_depth];
        SetPath(level.PathLength, level.Names[level.Position - 1]);
        _state = State.Next;
        if (!level.Directory!.TryStat(level.Names[level.Position - 1], Entry))
        {
            return false;
        }

        if (Entry.IsDirectory)
        {
            _state = State.Enter;
        }
        else
        {
            LinkToFirst();
        }

        return true;
    }

    private bool TryGiveParent(int depth)
    {
        Level parent = _levels[depth];
        Level above = _levels[depth - 1];
        _pathLength = parent.PathLength;
        if (above.Directory!.TryStat(above.Names[above.Position - 1], Entry) && Entry.IsDirectory)
        {
            parent.Given = true;
            return true;
        }

        // The directory vanished during the walk, with all that is in it.
        for (; _depth >= depth; _depth--)
        {
            _levels[_depth].Close();
        }

        _state = State.Next;
        return false;
    }

    /// <summary>Makes the entry a hard link when its file was yielded already.</summary>
    private void LinkToFirst()
    {
        if (Entry.LinkCount <= 1 || Entry.IsSymlink)
        {
            return;
        }

        ref byte[]? first = ref CollectionsMarshal.GetValueRefOrAddDefault(_linked, (Entry.FileSystem, Entry.Inode), out bool known);
        if (known)
        {
            Entry.LinkName = first;
        }
        else
        {
            first = Path.ToArray();
        }
    }

    private void Enter(bool given)
    {
        Level parent = _levels[_depth];
        TreeDirectory? directory = parent.Directory!.Open(parent.Names[parent.Position - 1], out int error);
        if (directory is null)
        {
            Refuse(error, given);
            return;
        }

        _depth++;
        if (_levels.Count == _depth)
        {
            _levels.Add(new Level());
        }

        Level level = _levels[_depth];
        level.Directory = directory;
        level.PathLength = _pathLength;
        level.Given = given;
        Fill(level);
    }

    private void Fill(Level level)
    {
        level.Names.Clear();
        level.Position = 0;
        level.Tag = -1;
        int error = level.Directory!.List(level.Names);
        if (error != 0)
        {
            level.Names.Clear();
            Refuse(error, level.Given);
        }

        level.Names.Sort();
    }

    private void Refuse(int error, bool given)
    {
        bool gone = LinuxCalls.IsGone(error);
        bool hidden = !given && error is LinuxCalls.AccessDenied or LinuxCalls.NotPermitted;
        if (!gone && !hidden)
        {
            string reason = error == LinuxCalls.AccessDenied
                ? "permission denied; make it readable or exclude it in .dockerignore"
                : LinuxCalls.Describe(error);
            throw ContextException.Unreadable("read the directory", _pathLength == 0 ? "." : Utf8.Display(Path), reason);
        }
    }

    private void SetPath(int parentLength, ReadOnlySpan<byte> name)
    {
        int start = parentLength == 0 ? 0 : parentLength + 1;
        if (_path.Length < start + name.Length)
        {
            Array.Resize(ref _path, Math.Max(_path.Length * 2, start + name.Length));
        }

        if (start > 0)
        {
            _path[start - 1] = BytePath.Separator;
        }

        name.CopyTo(_path.AsSpan(start));
        _pathLength = start + name.Length;
    }

    private sealed class Level
    {
        public TreeDirectory? Directory;
        public int PathLength;
        public int Position;
        public int Tag = -1;
        public bool Given;

        public NameList Names { get; } = new();

        public void Close()
        {
            Directory?.Dispose();
            Directory = null;
        }
    }
}
