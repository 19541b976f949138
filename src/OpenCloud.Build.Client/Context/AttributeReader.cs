using System.Text;

namespace OpenCloud.Build.Client.Context;

/// <summary>Reads extended attributes of directory entries. One reader serves one walk.</summary>
/// <remarks>
/// fsutil sends all of them but those of macOS (stat_unix.go). There is no call in wide use that takes a directory's
/// descriptor, so the path goes through <c>/proc/self/fd</c>: no component of it can be exchanged meanwhile.
/// </remarks>
internal sealed class AttributeReader
{
    private const int InitialBuffer = 4096;

    private readonly HashSet<ulong> _unsupported = [];
    private byte[] _path = new byte[512];
    private byte[] _names = new byte[InitialBuffer];
    private byte[] _value = new byte[InitialBuffer];
    private int _directory = -1;
    private int _directoryLength;

    /// <summary>The buffer in which the directories of the same walk are read.</summary>
    public byte[]? DirectoryBuffer { get; set; }

    /// <summary>Adds the attributes to the entry; false when the entry has vanished.</summary>
    public bool TryRead(int directory, ReadOnlySpan<byte> name, TreeEntry entry)
    {
        if (_unsupported.Contains(entry.FileSystem))
        {
            return true;
        }

        SetPath(directory, name);
        int length;
        while ((length = LinuxCalls.ListAttributes(_path, _names)) < 0)
        {
            int error = LinuxCalls.LastError;
            switch (error)
            {
                case LinuxCalls.RangeError:
                    _names = new byte[_names.Length * 4];
                    continue;
                case LinuxCalls.NotSupported:
                    _unsupported.Add(entry.FileSystem);
                    return true;
                case LinuxCalls.NoEntry or LinuxCalls.NotADirectory:
                    // Without /proc there is no way to the attributes; with it the entry has gone.
                    return !Directory.Exists("/proc/self/fd");
                default:
                    throw ContextException.Unreadable("list the attributes of", Utf8.Display(name), LinuxCalls.Describe(error));
            }
        }

        if (length > 0)
        {
            ReadValues(_names.AsSpan(0, length), entry);
        }

        return true;
    }

    private void ReadValues(ReadOnlySpan<byte> names, TreeEntry entry)
    {
        while (!names.IsEmpty)
        {
            int end = names.IndexOf((byte)0);
            ReadOnlySpan<byte> terminated = names[..(end + 1)];
            names = names[(end + 1)..];
            if (terminated.StartsWith("com.apple."u8))
            {
                continue;
            }

            int length;
            while ((length = LinuxCalls.GetAttribute(_path, terminated, _value)) < 0 && LinuxCalls.LastError == LinuxCalls.RangeError)
            {
                _value = new byte[_value.Length * 4];
            }

            // Like fsutil: an attribute that may not be read is not sent.
            if (length >= 0)
            {
                entry.Attributes.Add(new(terminated[..^1].ToArray(), _value[..length]));
            }
        }

        entry.Attributes.Sort(static (left, right) => left.Key.AsSpan().SequenceCompareTo(right.Key));
    }

    private void SetPath(int directory, ReadOnlySpan<byte> name)
    {
        if (_directory != directory)
        {
            _directory = directory;
            _directoryLength = Encoding.ASCII.GetBytes($"/proc/self/fd/{directory}/", _path);
        }

        if (_path.Length < _directoryLength + name.Length + 1)
        {
            Array.Resize(ref _path, _directoryLength + name.Length + 1);
        }

        name.CopyTo(_path.AsSpan(_directoryLength));
        _path[_directoryLength + name.Length] = 0;
    }
}
