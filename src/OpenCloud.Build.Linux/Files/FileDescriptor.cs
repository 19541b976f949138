using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux.Files;

/// <summary>A file descriptor of this process that is closed with the object.</summary>
internal sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    public FileDescriptor(int number)
        : base(ownsHandle: true) => SetHandle(number);

    /// <summary>The number, for system calls while the object is in use.</summary>
    public int Number => (int)handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => FileCalls.Close((int)handle) == 0;
}
