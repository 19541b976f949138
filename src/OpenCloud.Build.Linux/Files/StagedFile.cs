using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// A file that is written under a name of its own beside its place, and gets its own name when it is whole. Until then, and when it is disposed of
/// before, its place is as it was. Every file of this project that others look for comes about like this.
/// </summary>
/// <remarks>
/// The folder is held open from the beginning, so that nothing on the way can be exchanged meanwhile. A write that the kernel has taken may still fail
/// on the disk, and only the call that waits for that says so.
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

    /// <summary>What is written to.</summary>
    public FileStream Stream { get; }

    /// <summary>Begins a file.</summary>
    /// <param name="path">What it becomes; a file or a link there is replaced at the end.</param>
    /// <param name="mode">The mode it gets at the end; until then it is the caller's alone.</param>
    /// <exception cref="IOException">The folder takes no file, or a link on the way could be somebody else's.</exception>
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

    /// <summary>Gives the file to somebody.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void Give(uint uid, uint gid) => Check(LinuxCalls.ChangeOwner(Descriptor, "\0"u8, uid, gid, LinuxCalls.EmptyPath));

    /// <summary>Waits until the disk has all of it, then gives it its name, and waits for that as well.</summary>
    /// <exception cref="IOException">The disk did not take it; the place is as it was, unless only the wait for the name failed.</exception>
    public void Publish()
    {
        Check(LinuxCalls.ChangeMode(Descriptor, _mode));
        LastingFile.Synchronize(Stream, _path);
        Rename(_path);
        LastingFile.SynchronizeFolder(_folder, _path);
    }

    /// <summary>Gives it a name in its folder without waiting for the disk, for one of many whose file system is synchronized at the end.</summary>
    /// <param name="name">The name.</param>
    public void PublishAs(string name)
    {
        Check(LinuxCalls.ChangeMode(Descriptor, _mode));
        Rename(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, name));
    }

    /// <summary>Closes it, and removes it unless it has its name. That it cannot be removed, on a disk that has failed say, is not reported: something else is under way.</summary>
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
