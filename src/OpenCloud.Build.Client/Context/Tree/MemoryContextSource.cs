using System.Security.Cryptography;
using System.Text;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>A few files that exist in memory only, for example a Dockerfile given as text.</summary>
internal sealed class MemoryContextSource : ContextSource
{
    private const long FirstSecond = 1_000_000_000;
    private const ulong Seconds = 1UL << 29;
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private readonly MemoryTree _tree = new();

    /// <summary>Declares files.</summary>
    /// <param name="name">The name by which the daemon asks for the directory.</param>
    /// <param name="files">Relative, slash-separated paths and the contents of the files. The memory must not change afterwards.</param>
    /// <exception cref="ArgumentException">A path is rooted, not clean, leaves the directory, or occurs twice.</exception>
    public MemoryContextSource(string name, IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> files)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(files);
        foreach ((string path, ReadOnlyMemory<byte> content) in files)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(path);
            bool leaves = bytes.AsSpan().SequenceEqual(".."u8) || bytes.AsSpan().StartsWith("../"u8);
            if (bytes.Length == 0 || bytes[0] == BytePath.Separator || leaves || bytes.AsSpan().Contains((byte)0)
                || bytes.AsSpan().SequenceEqual("."u8) || !BytePath.Clean(bytes).AsSpan().SequenceEqual(bytes))
            {
                throw new ArgumentException($"'{path}' is not a normalized relative path.", nameof(files));
            }

            _tree.Add(bytes, MemoryTree.FileMode, TimeOf(content.Span), content);
        }
    }

    /// <summary>Declares one text file.</summary>
    public static MemoryContextSource FromText(string name, string path, string text) =>
        new(name, [new(path, Encoding.UTF8.GetBytes(text))]);

    /// <summary>Adds a file that was read from this machine, with its own time if it is a regular file.</summary>
    internal void Add(string name, FileContent file) =>
        _tree.Add(Encoding.UTF8.GetBytes(name), MemoryTree.FileMode, file.IsRegular ? file.Modified : TimeOf(file.Bytes), file.Bytes);

    internal override ContextTree OpenTree() => _tree;

    /// <summary>A time derived from the content.</summary>
    /// <remarks>
    /// The daemon keeps what it received and requests only files whose size or time differs. With a constant time it would build
    /// from an old text of the same length; with the current time it would request the file always.
    /// </remarks>
    private static long TimeOf(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        ulong value = BitConverter.ToUInt64(hash);
        return (FirstSecond * (long)NanosecondsPerSecond) + (long)(value % (Seconds * NanosecondsPerSecond));
    }
}
