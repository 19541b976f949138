using System.Text;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>Reads extended attributes of directory entries. One reader serves one walk.</summary>
/// <remarks>
/// fsutil sends all of them but those of macOS (stat_unix.go). Calls that take a directory's descriptor are new in Linux 6.13.
/// Older kernels go through <c>/proc/self/fd</c>, which is as safe (no component can be exchanged meanwhile) and takes four
/// times as long. Values, which few files have, are always read that way.
/// </remarks>
internal sealed class AttributeReader
{
    private const int InitialBuffer = 4096;

    // Set once for the process when the kernel or a sandbox does not know listxattrat.
    private static volatile bool _throughProc;

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
        while ((length = List(directory)) < 0)
        {
            int error = LinuxCalls.LastError;
            switch (error)
            {
                case LinuxCalls.NoSystemCall or LinuxCalls.NotPermitted when !_throughProc:
                    _throughProc = true;
                    continue;
                case LinuxCalls.RangeError:
                    _names = new byte[_names.Length * 4];
                    continue;
                case LinuxCalls.NotSupported:
                    _unsupported.Add(entry.FileSystem);
                    return true;
                case LinuxCalls.NoEntry or LinuxCalls.NotADirectory or LinuxCalls.StaleHandle:
                    // Without /proc the attributes cannot be read; with it the entry has vanished.
                    return _throughProc && !Directory.Exists("/proc/self/fd");
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

    private int List(int directory) => _throughProc
        ? LinuxCalls.ListAttributes(_path, _names)
        : LinuxCalls.ListAttributesAt(directory, _path.AsSpan(_directoryLength), _names);

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

            // Like fsutil: an unreadable attribute is not sent.
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
