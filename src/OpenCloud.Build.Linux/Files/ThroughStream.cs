using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Writes to a device, a named pipe or an open descriptor. A slow reader makes the writer wait. That wait can be cancelled, unlike a blocking
/// write.
/// </summary>
internal sealed class ThroughStream : Stream
{
    private const int Slice = 100;

    private readonly SafeFileHandle _file;
    private readonly string _path;

    private ThroughStream(SafeFileHandle file, string path)
    {
        _file = file;
        _path = path;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens the path; null when it is a named pipe without a reader.</summary>
    public static ThroughStream? TryOpen(string path, bool isPipe)
    {
        int descriptor = LinuxCalls.Open(
            LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), LinuxCalls.WriteOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal);
        if (descriptor >= 0)
        {
            return new ThroughStream(new SafeFileHandle(descriptor, ownsHandle: true), path);
        }

        int error = LinuxCalls.LastError;
        return error == LinuxCalls.NoSuchDeviceOrAddress && isPipe ? null : throw LinuxCalls.Failure("Cannot write", path, error);
    }

    /// <exception cref="IOException">The reader has closed the pipe, or the device is full.</exception>
    public void Write(ReadOnlySpan<byte> content, CancellationToken cancellationToken)
    {
        while (!content.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = LinuxCalls.Write(DirectoryWalk.Number(_file), content);
            if (count >= 0)
            {
                content = content[count..];
                continue;
            }

            int error = LinuxCalls.LastError;
            if (error != LinuxCalls.TryAgain)
            {
                throw LinuxCalls.Failure("Cannot write", _path, error);
            }

            LinuxCalls.WaitUntilWritable(DirectoryWalk.Number(_file), Slice);
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer, CancellationToken.None);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count), CancellationToken.None);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Task.Run(() => Write(buffer.Span, cancellationToken), cancellationToken));

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }
}
