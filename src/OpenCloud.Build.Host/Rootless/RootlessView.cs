using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>What the checks of a rootless engine look at: files of /proc, /sys and /etc, inodes and programs. Tests bring their own.</summary>
internal interface IRootlessView
{
    /// <summary>The text of a file; null when it is not there or closed to the caller.</summary>
    public string? ReadText(string path);

    /// <summary>An inode, links followed; null when it is not there or closed to the caller.</summary>
    public FileStatus? Look(string path);

    /// <summary>A program on the system's path; null when it is nowhere.</summary>
    public string? Find(string program);

    /// <summary>A path with every link followed, as far as it is there.</summary>
    public string RealPath(string path);

    /// <summary>The attribute <c>security.capability</c> of a file; null when it has none.</summary>
    public byte[]? FileCapabilities(string path);

    /// <summary>The plain files of a directory; none when it is not there.</summary>
    public IReadOnlyList<string> FilesOf(string directory);

    /// <summary>Whether a plain file has a text of ASCII in it; false when it is not there or closed to the caller.</summary>
    public bool Contains(string path, string text);

    /// <summary>The version of a package that would be installed now; null when that is not known.</summary>
    public string? Candidate(string package);
}

/// <summary>This machine.</summary>
internal sealed class RootlessView : IRootlessView
{
    // Twenty times what rootlesskit has; a file with a hole of 1 TiB takes minutes.
    private const int ProgramLimit = 256 << 20;

    /// <inheritdoc/>
    public string? ReadText(string path)
    {
        try
        {
            return BoundedFile.TryReadText(path, followLink: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public FileStatus? Look(string path)
    {
        try
        {
            return FileStatus.Read(path, follow: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public string? Find(string program) => HostCommand.Find(program);

    /// <inheritdoc/>
    public string RealPath(string path)
    {
        // What is yet to be made, below what there is.
        return RealPaths.Resolve(path)
            ?? (Path.GetDirectoryName(path) is { Length: > 0 } folder ? Path.Combine(RealPath(folder), Path.GetFileName(path)) : path);
    }

    /// <inheritdoc/>
    public byte[]? FileCapabilities(string path)
    {
        byte[] value = new byte[64];
        int length = LinuxCalls.GetAttributeFollowing(DirectoryWalk.Terminated(path), "security.capability\0"u8, value);
        return length < 0 ? null : value[..length];
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(string directory)
    {
        try
        {
            return Directory.GetFiles(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public bool Contains(string path, string text)
    {
        try
        {
            using SafeFileHandle? handle = BoundedFile.TryOpen(path, followLink: true);
            if (handle is null)
            {
                return false;
            }

            using FileStream file = new(handle, FileAccess.Read, 0);
            byte[] wanted = Encoding.ASCII.GetBytes(text);
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

                // It may lie across two blocks.
                kept = Math.Min(wanted.Length - 1, have.Length);
                have[^kept..].CopyTo(block);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public string? Candidate(string package) => Changes.Packages.Candidate(package);
}
