using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>
/// A file that takes an archive. It is written beside its place and renamed when the build has succeeded: the end of the stream proves
/// nothing, since a daemon whose export fails ends it as well (moby/buildkit, exporter/oci/export.go).
/// </summary>
/// <remarks>
/// Devices and standard output cannot be renamed and are written to directly. So are named pipes, which are opened when the engine sends, because
/// opening one waits for its reader. When the build has failed, a waiting reader is released.
/// </remarks>
internal sealed class FileTarget : IOutputTarget
{
    private readonly string _path;
    private readonly ReceiveLimits _limits;
    private readonly StagedFile? _staged;
    private readonly OutputPlace? _pipe;
    private Stream? _stream;
    private int _calls;
    private bool _complete;

    private FileTarget(string path, ReceiveLimits limits)
    {
        _path = path;
        _limits = limits;
    }

    private FileTarget(OutputPlace place, ReceiveLimits limits)
        : this(place.Path, limits)
    {
        if (!place.IsSpecial)
        {
            _staged = place.Stage();
            _stream = _staged.Stream;
        }
        else if (place.IsPipe)
        {
            _pipe = place;
        }
        else
        {
            _stream = place.OpenThrough();
        }
    }

    /// <summary>Prepares the file, so that an unwritable place fails the build before it begins.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static FileTarget Open(string path, ReceiveLimits limits)
    {
        if (path == BuildOutput.StandardOutput)
        {
            return Console.IsOutputRedirected
                ? new FileTarget("standard output", limits) { _stream = Console.OpenStandardOutput() }
                : throw new IOException("An archive cannot be written to a terminal; redirect the output of the process or name a file.");
        }

        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            throw new IOException($"'{path}' is a directory. Name a file, or set tar=false for an OCI layout in a directory.");
        }

        string folder = Path.GetDirectoryName(full)!;
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"The directory '{folder}' of the output '{path}' does not exist.");
        }

        return new FileTarget(OutputPlace.Of(full), limits);
    }

    public async Task ReceiveAsync(GrpcServerCall call, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _calls) != 1)
        {
            throw new ContextException(ContextErrorKind.Protocol, $"The engine sent the output '{_path}' twice.");
        }

        long length = 0;
        try
        {
            _stream ??= await _pipe!.OpenThroughAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ContextException(ContextErrorKind.Unreadable, $"The output '{_path}' could not be opened: {e.Message}", e);
        }

        while (await call.ReadMessageAsync(cancellationToken).ConfigureAwait(false) is { } message)
        {
            using (message)
            {
                ReadOnlyMemory<byte> data = BytesField.Read(message.Memory);
                length += data.Length;
                if (length > _limits.MaxFileBytes)
                {
                    throw new ContextException(ContextErrorKind.Protocol, $"The engine sent more than the limit of {_limits.MaxFileBytes} bytes for '{_path}'.");
                }

                try
                {
                    await _stream.WriteAsync(data, cancellationToken).ConfigureAwait(false);
                }
                catch (IOException e)
                {
                    throw new ContextException(ContextErrorKind.Unreadable, $"The output '{_path}' could not be written: {e.Message}", e);
                }
            }
        }

        await _stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        _complete = true;
    }

    public void Commit()
    {
        if (!_complete)
        {
            _stream?.Dispose();
            throw new IOException($"The engine ended the build without sending the output '{_path}'.");
        }

        if (_staged is not null)
        {
            _staged.Publish();
        }
        else
        {
            _stream?.Dispose();
        }
    }

    public void Dispose()
    {
        if (_stream is null)
        {
            _pipe?.LetReaderGo();
        }

        _staged?.Dispose();
        _stream?.Dispose();
    }
}
