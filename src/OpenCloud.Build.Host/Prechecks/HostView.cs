using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Host.Prechecks;

/// <summary>The parts of a machine that the rootless checks read: files of /proc, /sys and /etc, inodes and programs. Tests replace it.</summary>
internal interface IHostView
{
    /// <summary>The text of a file; null when it is missing or unreadable.</summary>
    public string? ReadText(string path);

    /// <summary>The inode of a path with links resolved; null when it is missing or inaccessible.</summary>
    public FileStatus? Look(string path);

    /// <summary>The path of a program on the system's path; null when there is none.</summary>
    public string? Find(string program);

    /// <summary>A path with every link resolved, as far as it exists.</summary>
    public string RealPath(string path);

    /// <summary>The attribute <c>security.capability</c> of a file; null when it has none.</summary>
    public byte[]? FileCapabilities(string path);

    /// <summary>The plain files of a directory; empty when the directory is missing.</summary>
    public IReadOnlyList<string> FilesOf(string directory);

    /// <summary>Whether a plain file contains an ASCII text; false when it is missing or unreadable.</summary>
    public bool Contains(string path, string text);

    /// <summary>The version of a package that would be installed now; null when unknown.</summary>
    public string? Candidate(string package);
}

internal sealed class HostView : IHostView
{
    // Twenty times the size of rootlesskit; a sparse file of 1 TiB takes minutes.
    private const int ProgramLimit = 256 << 20;

    public string? ReadText(string path) => Try(() => BoundedFile.TryReadText(path, followLink: true), null);

    public FileStatus? Look(string path) => Try(() => FileStatus.Read(path, follow: true), null);

    public string? Find(string program) => HostCommand.Find(program);

    public string RealPath(string path)
    {
        // Appends the part that does not exist yet to the resolved existing part.
        return RealPaths.Resolve(path)
            ?? (Path.GetDirectoryName(path) is { Length: > 0 } folder ? Path.Combine(RealPath(folder), Path.GetFileName(path)) : path);
    }

    public byte[]? FileCapabilities(string path)
    {
        byte[] value = new byte[64];
        int length = LinuxCalls.GetAttributeFollowing(DirectoryWalk.Terminated(path), "security.capability\0"u8, value);
        return length < 0 ? null : value[..length];
    }

    public IReadOnlyList<string> FilesOf(string directory) => Try(() => Directory.GetFiles(directory), []);

    public bool Contains(string path, string text) => Try(() => ContainsText(path, Encoding.ASCII.GetBytes(text)), false);

    public string? Candidate(string package) => Commands.Packages.Candidate(package);

    private static bool ContainsText(string path, byte[] wanted)
    {
        using SafeFileHandle? handle = BoundedFile.TryOpen(path, followLink: true);
        if (handle is null)
        {
            return false;
        }

        using FileStream file = new(handle, FileAccess.Read, 0);
        byte[] block = new byte[1 << 16];
        int left = ProgramLimit;
        for (int kept = 0; ;)
        {
            int read = file.Read(block, kept, block.Length - kept);
            left -= read;
            if (read == 0 || left < 0)
            {
                return false;
            }

            Span<byte> have = block.AsSpan(0, kept + read);
            if (have.IndexOf(wanted) >= 0)
            {
                return true;
            }

            // The text may span two blocks.
            kept = Math.Min(wanted.Length - 1, have.Length);
            have[^kept..].CopyTo(block);
        }
    }

    private static T Try<T>(Func<T> read, T otherwise)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return otherwise;
        }
    }
}
