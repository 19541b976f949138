using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Writes to a device, a named pipe or a descriptor that somebody has opened. A reader who is slow makes the writer wait, which can be stopped: a
/// blocking write could not.
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

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens it; null where it is a named pipe that nobody reads from.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
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

    /// <summary>Writes all of it.</summary>
    /// <exception cref="IOException">The reader has gone, or the device takes no more.</exception>
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

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer, CancellationToken.None);

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count), CancellationToken.None);

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Task.Run(() => Write(buffer.Span, cancellationToken), cancellationToken));

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }
}
