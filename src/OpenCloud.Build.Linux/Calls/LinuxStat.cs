using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

/// <summary>The kernel's <c>struct statx</c>, which is the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct LinuxStat
{
    [FieldOffset(16)]
    public uint LinkCount;

    [FieldOffset(20)]
    public uint Uid;

    [FieldOffset(24)]
    public uint Gid;

    [FieldOffset(28)]
    public ushort Mode;

    [FieldOffset(32)]
    public ulong Inode;

    [FieldOffset(40)]
    public ulong Size;

    [FieldOffset(112)]
    public long ModifiedSeconds;

    [FieldOffset(120)]
    public uint ModifiedNanoseconds;

    [FieldOffset(128)]
    public uint DeviceMajor;

    [FieldOffset(132)]
    public uint DeviceMinor;

    [FieldOffset(136)]
    public uint FileSystemMajor;

    [FieldOffset(140)]
    public uint FileSystemMinor;

    public readonly ulong Device => ((ulong)FileSystemMajor << 32) | FileSystemMinor;

    public readonly uint Type => Mode & UnixMode.TypeMask;

    public readonly long ModifiedUnixNanoseconds => unchecked((ModifiedSeconds * 1_000_000_000) + ModifiedNanoseconds);
}
