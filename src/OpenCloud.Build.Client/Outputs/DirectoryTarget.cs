using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>A directory that takes files.</summary>
internal sealed class DirectoryTarget : IOutputTarget
{
    /// <summary>The header by which a daemon says that one transfer has all platforms, which deleting needs (session/filesync).</summary>
    private const string WholeHeader = "buildkit-exporter-multi-platform";

    private readonly OutputDirectory _directory;
    private readonly bool _delete;
    private readonly ReceiveLimits _limits;
    private readonly Func<string, IReadOnlyList<string>, bool>? _confirmDelete;
    private readonly ReceiveCounters _counters = new();
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Opens the directory, created if missing. <c>confirmDelete</c> gets it and the paths to delete; null deletes nothing.</summary>
    /// <exception cref="IOException">The directory cannot be opened.</exception>
    public DirectoryTarget(string path, bool delete, ReceiveLimits limits, Func<string, IReadOnlyList<string>, bool>? confirmDelete, bool keepsAttributes = false)
    {
        try
        {
            _directory = new OutputDirectory(Path.GetFullPath(path)) { KeepsAttributes = keepsAttributes };
        }
        catch (ContextException e)
        {
            throw new IOException(e.Message, e);
        }

        _delete = delete;
        _limits = limits;
        _confirmDelete = confirmDelete;
    }

    public async Task ReceiveAsync(GrpcServerCall call, CancellationToken cancellationToken)
    {
        if (_delete && call.Headers[WholeHeader] != "1")
        {
            throw new ContextException(ContextErrorKind.Unreadable, "This engine does not support mode=delete for local outputs; nothing was written.");
        }

        // One at a time: transfers of several platforms may share directories, and their steps must not interleave.
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            DirectoryReceiver receiver = new(call, _directory, _limits, _counters);
            await receiver.RunAsync(
                () => _delete ? Task.Run(() => DeleteOthers(receiver.Entries.Files, receiver.Entries.Folders), cancellationToken) : Task.CompletedTask,
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Commit() => _directory.Synchronize();

    public void Dispose()
    {
        _directory.Dispose();
        _one.Dispose();
    }

    private void DeleteOthers(IReadOnlySet<string> files, IReadOnlySet<string> folders)
    {
        // Children follow their directory, so the reverse order empties directories first.
        List<(byte[] Path, bool IsDirectory)> others = [];
        Collect([], isKept: true);
        if (others.Count == 0 || _confirmDelete?.Invoke(_directory.Location, [.. others.Select(static o => Utf8.Display(o.Path))]) != true)
        {
            return;
        }

        for (int i = others.Count - 1; i >= 0; i--)
        {
            _directory.Remove(others[i].Path, others[i].IsDirectory);
        }

        void Collect(byte[] directory, bool isKept)
        {
            foreach ((byte[] path, bool isDirectory) in _directory.List(directory))
            {
                string key = Encoding.Latin1.GetString(path);
                bool keep = isKept && (isDirectory ? folders.Contains(key) : files.Contains(key));
                if (!keep)
                {
                    others.Add((path, isDirectory));
                }

                if (isDirectory)
                {
                    Collect(path, keep);
                }
            }
        }
    }
}
