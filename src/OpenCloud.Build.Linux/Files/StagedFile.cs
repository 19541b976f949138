using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// A file that is written under a temporary name beside its destination and renamed when complete. Until then, and when it is disposed before,
/// the destination stays unchanged. All files of this project that others read are written this way.
/// </summary>
/// <remarks>
/// The folder stays open from the beginning, so that nothing on the path can be exchanged meanwhile. A write that the kernel has accepted may
/// still fail on the disk; only the sync call reports that.
/// </remarks>
internal sealed class StagedFile : IDisposable
{
    private const uint OwnersAlone = 0x180;

    private readonly string _path;
    private readonly SafeFileHandle _folder;
    private readonly byte[] _temporary;
    private readonly uint _mode;
    private bool _isPublished;

    private StagedFile(string path, SafeFileHandle folder, byte[] temporary, uint mode, FileStream stream)
    {
        _path = path;
        _folder = folder;
        _temporary = temporary;
        _mode = mode;
        Stream = stream;
    }

    public FileStream Stream { get; }

    /// <remarks>An existing file or link is replaced at the end. The file gets its mode at the end; until then only the caller may access it.</remarks>
    /// <exception cref="IOException">The folder accepts no file, or a link on the path could be another user's.</exception>
    public static StagedFile Create(string path, UnixFileMode mode)
    {
        SafeFileHandle folder = DirectoryWalk.OpenParent(path, out byte[] name);
        byte[] temporary = DirectoryWalk.Terminated($".opencloud.build.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}.incoming");
        int descriptor = LinuxCalls.Open(
            DirectoryWalk.Number(folder), temporary, LinuxCalls.WriteOnly | LinuxCalls.Create | LinuxCalls.Exclusive | LinuxCalls.NoFollow, OwnersAlone);
        if (descriptor < 0)
        {
            int error = LinuxCalls.LastError;
            folder.Dispose();
            throw LinuxCalls.Failure("Cannot write", path, error);
        }

        FileStream stream = new(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Write, 0);
        return new StagedFile(path, folder, temporary, (uint)mode, stream);
    }

    public void Give(uint uid, uint gid) => Check(LinuxCalls.ChangeOwner(Descriptor, "\0"u8, uid, gid, LinuxCalls.EmptyPath));

    /// <summary>Waits until the data is on disk, renames the file to its destination, and waits for the rename.</summary>
    /// <exception cref="IOException">The disk did not take the data. The destination is unchanged, unless only the sync of the rename failed.</exception>
    public void Publish()
    {
        Check(LinuxCalls.ChangeMode(Descriptor, _mode));
        LastingFile.Synchronize(Stream, _path);
        Rename(_path);
        LastingFile.SynchronizeFolder(_folder, _path);
    }

    /// <summary>Renames the file without waiting for the disk, for one of many files whose file system is synchronized at the end.</summary>
    public void PublishAs(string name)
    {
        Check(LinuxCalls.ChangeMode(Descriptor, _mode));
        Rename(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, name));
    }

    /// <summary>
    /// Closes the file, and removes it unless it was published. A failure to remove it, on a failed disk say, is not reported: another error is
    /// under way.
    /// </summary>
    public void Dispose()
    {
        Stream.Dispose();
        if (!_isPublished && !_folder.IsClosed)
        {
            _ = LinuxCalls.Unlink(DirectoryWalk.Number(_folder), _temporary);
        }

        _folder.Dispose();
    }

    private int Descriptor => DirectoryWalk.Number(Stream.SafeFileHandle);

    private void Rename(string path)
    {
        Stream.Dispose();
        int folder = DirectoryWalk.Number(_folder);
        if (LinuxCalls.Rename(folder, _temporary, folder, DirectoryWalk.Terminated(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)))) != 0)
        {
            throw LinuxCalls.Failure("Cannot put in place", path, LinuxCalls.LastError);
        }

        _isPublished = true;
    }

    private void Check(int result)
    {
        if (result != 0)
        {
            throw LinuxCalls.Failure("Cannot write", _path, LinuxCalls.LastError);
        }
    }
}
