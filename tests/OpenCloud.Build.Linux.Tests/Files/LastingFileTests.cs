using Microsoft.Win32.SafeHandles;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Files;

public sealed class LastingFileTests
{
    [Fact]
    public void SaysThatTheDiskDidNotTakeAFile()
    {
        using Scratch scratch = new();
        using FileStream good = new(scratch["good"], FileMode.CreateNew, FileAccess.Write, FileShare.None, 4096);
        good.Write("new"u8);
        LastingFile.Synchronize(good);
        Assert.Equal(3, new FileInfo(scratch["good"]).Length);

        // A descriptor of the place alone, which fsync(2) does not take: what a disk that has failed says, without such a disk.
        int descriptor = LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(scratch.Text("bad")), LinuxCalls.PathOnly);
        Assert.True(descriptor >= 0);
        using FileStream bad = new(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Write, 0);
        Assert.Contains("Cannot flush to disk what was written to '/the/place'", Assert.Throws<IOException>(() => LastingFile.Synchronize(bad, "/the/place")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WaitsForAFolderAndItsFileSystem_AndSaysWhatIsNotThere()
    {
        using Scratch scratch = new();
        LastingFile.SynchronizeFolder(scratch.Folder);
        LastingFile.SynchronizeFileSystem(scratch.Folder);
        using (SafeFileHandle folder = DirectoryWalk.Open(scratch.Folder))
        {
            LastingFile.SynchronizeFolder(folder, scratch["file"]);
        }

        Assert.Throws<FileNotFoundException>(() => LastingFile.SynchronizeFolder(scratch["absent"]));
        Assert.Throws<FileNotFoundException>(() => LastingFile.SynchronizeFolder(scratch.Text("file")));

        // A file system without a disk knows no such call.
        LastingFile.SynchronizeFolder("/proc");
    }
}
