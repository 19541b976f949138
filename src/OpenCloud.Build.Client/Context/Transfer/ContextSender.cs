using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>Sends one directory to one receiver: the listing, and the files that the receiver asks for meanwhile.</summary>
/// <remarks>
/// Source of the protocol: fsutil's send.go and receive.go. STAT for every entry, an empty STAT at the end; REQ(id) is answered
/// by DATA packets and an empty DATA; FIN by FIN; ERR ends the transfer in either direction. Ids count all entries from 0.
/// The walk and up to four readers of files each fill a buffer with as many messages as it holds before it is written, so
/// thousands of small files do not become thousands of small writes.
/// </remarks>
internal sealed class ContextSender
{
    private const int StatBufferSize = 32 * 1024;
    private const int DataBufferSize = 256 * 1024;

    // Another reader pays off when this many files wait for each reader.
    private const int FilesPerReader = 32;

    private static readonly int MaxReaders = Math.Clamp(Environment.ProcessorCount, 2, 4);

    private readonly IPacketChannel _channel;
    private readonly ContextTree _tree;
    private readonly ContextFilter _filter;
    private readonly ContextCounters _counters;
    private readonly Action? _progress;
    private readonly ContextChanges _changes;
    private readonly FileTable _files = new();
    private readonly WorkQueue _work;
    private readonly SerialGate _writing;
    private readonly Lock _gate = new();
    private readonly Queue<int> _requested = new();
    private readonly Task?[] _readers = new Task?[MaxReaders];
    private readonly bool[] _reading = new bool[MaxReaders];
    private int _activeReaders;
    private Exception? _failure;
    private CancellationTokenSource? _stop;
    private CancellationToken _call;

    public ContextSender(IPacketChannel channel, ContextTree tree, ContextFilter filter, ContextCounters counters, Action? progress, WorkQueue? work = null, ContextChanges? changes = null)
    {
        _changes = changes ?? new ContextChanges();
        _work = work ?? WorkQueue.Pool;
        _writing = new SerialGate(_work);
        _channel = channel;
        _tree = tree;
        _filter = filter;
        _counters = counters;
        _progress = progress;
    }

    /// <exception cref="ContextException">Either side failed; the receiver has been told.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _stop = stop;
        _call = cancellationToken;
        Task walk = _work.Run(() => Guard(WalkAsync));
        await Guard(ReceiveAsync).ConfigureAwait(false);

        // The receiver is finished, or something failed: there is nobody left to send to.
        await stop.CancelAsync().ConfigureAwait(false);
        await walk.ConfigureAwait(false);
        foreach (Task? reader in _readers)
        {
            await (reader ?? Task.CompletedTask).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (_failure is null)
        {
            await _channel.WriteAsync(PacketCodec.Finish(), cancellationToken).ConfigureAwait(false);
            return;
        }

        if (_failure is ContextException { Kind: not ContextErrorKind.Receiver })
        {
            await TellReceiverAsync(_failure.Message, cancellationToken).ConfigureAwait(false);
        }

        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
    }

    private async Task TellReceiverAsync(string message, CancellationToken cancellationToken)
    {
        try
        {
            await _channel.WriteAsync(PacketCodec.Error(message), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The stream is gone, or the call was canceled; the original failure is what counts.
        }
    }

    /// <summary>Runs a part of the transfer; its failure stops the others. The first failure is the one reported.</summary>
    private async Task Guard(Func<CancellationToken, Task> part)
    {
        CancellationToken token = _stop!.Token;
        try
        {
            await part(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            await _stop.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        while (await _channel.ReadAsync(cancellationToken).ConfigureAwait(false) is { } packet)
        {
            switch (packet.Type)
            {
                case PacketType.Finish:
                    return;
                case PacketType.Error:
                    throw new ContextException(
                        ContextErrorKind.Receiver, $"The engine could not receive the build context: {packet.Message}");
                case PacketType.Request:
                    int place = _files.Claim(packet.Id);
                    if (place < 0)
                    {
                        throw new ContextException(
                            ContextErrorKind.Protocol,
                            $"The engine requested the file {packet.Id}, which is not a regular file of the listing or was already requested.");
                    }

                    Enqueue(place);
                    break;
                default:
                    throw new ContextException(
                        ContextErrorKind.Protocol, $"The engine sent a {packet.Type} packet, which only a sender of files may send.");
            }
        }

        throw new ContextException(ContextErrorKind.Protocol, "The engine ended the transfer of the build context before it was complete.");
    }

    private async Task WalkAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = BufferPool.Rent(StatBufferSize);
        try
        {
            using TreeWalker walker = new(_tree, _filter);
            uint id = 0;
            int used = 0;
            int listed = 0;
            while (walker.MoveNext())
            {
                int size = PacketCodec.StatSize(walker.Path, walker.Entry);
                if (used + size + GrpcPrefix.Length > buffer.Length)
                {
                    await WriteAsync(buffer.AsMemory(0, used), cancellationToken).ConfigureAwait(false);
                    _counters.AddListed(listed);
                    _progress?.Invoke();
                    used = 0;
                    listed = 0;
                    if (size + GrpcPrefix.Length > buffer.Length)
                    {
                        BufferPool.Return(buffer);
                        buffer = BufferPool.Rent(size + GrpcPrefix.Length);
                    }
                }

                used += PacketCodec.WriteStat(buffer.AsSpan(used), walker.Path, walker.Entry);
                Remember(walker, id++);
                listed++;
            }

            used += PacketCodec.WriteLastStat(buffer.AsSpan(used));
            await WriteAsync(buffer.AsMemory(0, used), cancellationToken).ConfigureAwait(false);
            _counters.AddListed(listed);
            _progress?.Invoke();
        }
        finally
        {
            BufferPool.Return(buffer);
        }
    }

    private void Remember(TreeWalker walker, uint id)
    {
        TreeEntry entry = walker.Entry;
        uint type = entry.Mode & GoFileMode.TypeMask;
        if (type is not 0 and not GoFileMode.Socket)
        {
            return;
        }

        ref int directory = ref walker.ParentTag;
        if (directory < 0)
        {
            directory = _files.AddDirectory(walker.ParentPath);
        }

        // The receiver takes a socket for an empty file and may request it.
        long size = type == GoFileMode.Socket ? -1 : entry.Size;
        _files.Add(id, directory, BytePath.Name(walker.Path), new ListedFile(size, entry.Inode, entry.Modified));
    }

    private void Enqueue(int place)
    {
        lock (_gate)
        {
            _requested.Enqueue(place);
            if (_activeReaders == MaxReaders || (_activeReaders > 0 && _requested.Count < FilesPerReader * _activeReaders))
            {
                return;
            }

            // A reader that has retired may not have returned yet; its successor waits for it, so that the slot is free at once.
            int slot = Array.IndexOf(_reading, false);
            Task before = _readers[slot] ?? Task.CompletedTask;
            _reading[slot] = true;
            _activeReaders++;
            _readers[slot] = _work.Run(
                async () =>
                {
                    await before.ConfigureAwait(false);
                    await Guard(token => SendRequestedAsync(slot, token)).ConfigureAwait(false);
                });
        }
    }

    private bool TryDequeue(out int place)
    {
        lock (_gate)
        {
            return _requested.TryDequeue(out place);
        }
    }

    private bool TryRetire(int slot)
    {
        lock (_gate)
        {
            if (_requested.Count > 0)
            {
                return false;
            }

            _activeReaders--;
            _reading[slot] = false;
            return true;
        }
    }

    private async Task SendRequestedAsync(int slot, CancellationToken cancellationToken)
    {
        byte[] buffer = BufferPool.Rent(DataBufferSize);
        try
        {
            using TreeReader reader = _tree.CreateReader();
            FileBatch batch = new(_files, reader, buffer, _changes, SendBatchAsync);
            while (true)
            {
                while (TryDequeue(out int place))
                {
                    await batch.SendAsync(place, cancellationToken).ConfigureAwait(false);
                }

                // Requests come one by one; those that have arrived are read before a small batch goes out.
                await _work.Yield();
                if (TryDequeue(out int next))
                {
                    await batch.SendAsync(next, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                // Only a reader whose batch has gone out may retire.
                await batch.FlushAsync(cancellationToken).ConfigureAwait(false);
                if (TryRetire(slot))
                {
                    return;
                }
            }
        }
        finally
        {
            BufferPool.Return(buffer);
        }
    }

    private async ValueTask SendBatchAsync(ReadOnlyMemory<byte> messages, int files, long bytes, CancellationToken cancellationToken)
    {
        await WriteAsync(messages, cancellationToken).ConfigureAwait(false);
        _counters.AddSent(files, bytes);
        _progress?.Invoke();
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken)
    {
        await _writing.EnterAsync().ConfigureAwait(false);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            // A write in progress is not cut off when another part fails: the ERR packet must follow a whole message.
            await _channel.WriteAsync(messages, _call).ConfigureAwait(false);
        }
        finally
        {
            _writing.Exit();
        }
    }
}
