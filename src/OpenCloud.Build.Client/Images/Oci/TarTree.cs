using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>The regular files of a tar, found by one pass over its headers. Contents are read in place, nothing is unpacked.</summary>
internal sealed class TarTree : IFileTree
{
    private readonly Dictionary<string, (long Offset, long Length)> _files;
    private readonly SafeFileHandle _handle;

    private TarTree(string location, SafeFileHandle handle, Dictionary<string, (long Offset, long Length)> files)
    {
        Location = location;
        _handle = handle;
        _files = files;
    }

    public string Location { get; }

    /// <summary>Reads the headers of a tar. The tree owns the handle from here on, also when this fails.</summary>
    public static TarTree Open(string location, SafeFileHandle handle)
    {
        try
        {
            return new TarTree(location, handle, TarIndex.Read(handle, location));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public long? GetLength(string path) => _files.TryGetValue(path, out (long Offset, long Length) file) ? file.Length : null;

    public Stream Open(string path) =>
        _files.TryGetValue(path, out (long Offset, long Length) file)
            ? new FileSliceStream(_handle, file.Offset, file.Length)
            : throw new FileNotFoundException($"'{path}' is not a regular file of '{Location}'.");

    public void Dispose() => _handle.Dispose();
}
