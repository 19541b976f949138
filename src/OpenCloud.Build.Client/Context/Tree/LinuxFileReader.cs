using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>Reads listed files beneath a root, and only those: it follows no link and opens nothing else in their place.</summary>
internal sealed class LinuxFileReader : TreeReader
{
    private const int Flags = LinuxCalls.ReadOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal;
    private const int Closed = -1;
    private const string SomethingElse = "it was listed as a regular file, but is no longer one";

    // Set once for the process when the kernel or a sandbox does not know openat2.
    private static volatile bool _stepwise;

    private readonly int _root;
    private byte[] _path = new byte[256];
    private int _length;
    private int _descriptor = Closed;

    public LinuxFileReader(int root) => _root = root;

    public override void Open(ReadOnlySpan<byte> path, in ListedFile listed)
    {
        SetPath(path);
        _descriptor = _stepwise ? Closed : LinuxCalls.OpenBeneath(_root, _path, Flags | LinuxCalls.NoFollow);
        int error = _stepwise ? LinuxCalls.NoSystemCall : _descriptor < 0 ? LinuxCalls.LastError : 0;
        if (error is LinuxCalls.NoSystemCall or LinuxCalls.NotPermitted or LinuxCalls.TryAgain or LinuxCalls.NameTooLong)
        {
            _stepwise |= error == LinuxCalls.NoSystemCall;
            error = OpenStepwise();
        }

        if (error != 0)
        {
            string name = Utf8.Display(path);
            throw error switch
            {
                LinuxCalls.NoEntry or LinuxCalls.NotADirectory or LinuxCalls.StaleHandle => ContextException.Changed(name, "it was listed, but no longer exists"),
                LinuxCalls.TooManyLinks => ContextException.Changed(name, "it, or a directory above it, became a symbolic link after it was listed"),

                // A socket that has taken the file's place cannot be opened.
                LinuxCalls.NoSuchDeviceOrAddress => ContextException.Changed(name, SomethingElse),
                LinuxCalls.AccessDenied => ContextException.Unreadable("read", name, "permission denied; make it readable or exclude it in .dockerignore"),
                _ => ContextException.Unreadable("read", name, LinuxCalls.Describe(error)),
            };
        }

        if (Stat().Type != UnixMode.Regular)
        {
            throw ContextException.Changed(Name, SomethingElse);
        }
    }

    public override bool HasChanged(in ListedFile listed, bool byTime)
    {
        LinuxStat stat = Stat();
        bool sameSize = (long)stat.Size == listed.Size;
        bool sameTime = stat.ModifiedUnixNanoseconds == listed.Modified;

        // Not by the inode: some network file systems number their files anew.
        return !sameSize || (byTime && !sameTime);
    }

    public override int Read(Span<byte> buffer)
    {
        int count = LinuxCalls.Read(_descriptor, buffer);
        return count >= 0
            ? count
            : throw ContextException.Unreadable("read", Name, LinuxCalls.Describe(LinuxCalls.LastError));
    }

    public override void Close()
    {
        if (_descriptor >= 0)
        {
            LinuxCalls.Close(_descriptor);
            _descriptor = Closed;
        }
    }

    private string Name => Utf8.Display(_path.AsSpan(0, _length));

    private LinuxStat Stat() => LinuxCalls.TryStat(_descriptor, "\0"u8, LinuxCalls.EmptyPath, out LinuxStat stat)
        ? stat
        : throw ContextException.Unreadable("read", Name, LinuxCalls.Describe(LinuxCalls.LastError));

    private void SetPath(ReadOnlySpan<byte> path)
    {
        if (_path.Length <= path.Length)
        {
            _path = new byte[path.Length * 2];
        }

        path.CopyTo(_path);
        _path[path.Length] = 0;
        _length = path.Length;
    }

    /// <summary>Opens directory by directory, for kernels without <c>openat2</c> and for paths longer than they take.</summary>
    private int OpenStepwise()
    {
        // The separators become terminators for the calls, and separators again for messages.
        int directory = _root;
        int start = 0;
        try
        {
            while (true)
            {
                int slash = _path.AsSpan(start, _length - start).IndexOf(BytePath.Separator);
                if (slash < 0)
                {
                    _descriptor = LinuxCalls.Open(directory, _path.AsSpan(start), Flags | LinuxCalls.NoFollow);
                    return _descriptor < 0 ? LinuxCalls.LastError : 0;
                }

                _path[start + slash] = 0;
                int next = LinuxCalls.Open(
                    directory, _path.AsSpan(start), LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow);
                int error = next < 0 ? LinuxCalls.LastError : 0;
                _path[start + slash] = BytePath.Separator;
                if (error != 0)
                {
                    return error;
                }

                if (directory != _root)
                {
                    LinuxCalls.Close(directory);
                }

                directory = next;
                start += slash + 1;
            }
        }
        finally
        {
            if (directory != _root)
            {
                LinuxCalls.Close(directory);
            }
        }
    }
}
