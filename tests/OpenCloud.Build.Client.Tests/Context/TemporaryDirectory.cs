using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context;

/// <summary>A directory for one test, on a file system that takes extended attributes, filled by byte names.</summary>
internal sealed partial class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("ocb-context-").FullName;

    public void File(string path, string content = "") => File(Encoding.UTF8.GetBytes(path), Encoding.UTF8.GetBytes(content));

    public unsafe void File(byte[] path, byte[] content, uint mode = 0x1A4)
    {
        int descriptor = Check(open(Full(path), 0x241 | 0x80000, mode));
        fixed (byte* start = content)
        {
            Assert.Equal(content.Length, (int)write(descriptor, start, (nuint)content.Length));
        }

        _ = close(descriptor);
        Mode(path, mode);
    }

    public void Folder(string path) => Folder(Encoding.UTF8.GetBytes(path));

    public void Folder(byte[] path, uint mode = 0x1ED)
    {
        Check(mkdir(Full(path), mode));
        Mode(path, mode);
    }

    public void Link(byte[] path, byte[] target) => Check(symlink(Terminated(target), Full(path)));

    public void Link(string path, string target) => Link(Encoding.UTF8.GetBytes(path), Encoding.UTF8.GetBytes(target));

    public void HardLink(byte[] path, byte[] existing) => Check(link(Full(existing), Full(path)));

    public void HardLink(string path, string existing) => HardLink(Encoding.UTF8.GetBytes(path), Encoding.UTF8.GetBytes(existing));

    public void Pipe(string path) => Check(mkfifo(Full(Encoding.UTF8.GetBytes(path)), 0x1A4));

    public void Mode(byte[] path, uint mode) => Check(chmod(Full(path), mode));

    /// <summary>False when the file system takes no such attribute (EOPNOTSUPP).</summary>
    public unsafe bool Attribute(string path, string name, byte[] value)
    {
        fixed (byte* start = value)
        {
            int result = lsetxattr(Full(Encoding.UTF8.GetBytes(path)), Terminated(Encoding.UTF8.GetBytes(name)), start, (nuint)value.Length, 0);
            return (result == 0 || Marshal.GetLastPInvokeError() != 95) && Check(result) == 0;
        }
    }

    public void Dispose()
    {
        // .NET cannot name every file in here.
        using Process remove = System.Diagnostics.Process.Start("rm", ["-rf", "--", Path]);
        remove.WaitForExit();
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    private static byte[] Terminated(byte[] text) => [.. text, 0];

    private byte[] Full(byte[] path) => [.. Encoding.UTF8.GetBytes(Path), (byte)'/', .. path, 0];

#pragma warning disable IDE1006, SYSLIB1054 // The C library's names.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte[] path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint write(int descriptor, byte* content, nuint length);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdir(byte[] path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int symlink(byte[] target, byte[] path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int link(byte[] existing, byte[] path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkfifo(byte[] path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int chmod(byte[] path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int lsetxattr(byte[] path, byte[] name, byte* value, nuint size, int flags);
#pragma warning restore IDE1006, SYSLIB1054
}
