using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>
/// The receiving side of a file transfer into a directory. The engine is not trusted: names must be plain, in order and within bounds; data is
/// accepted only for requested files; nothing may follow the end.
/// </summary>
/// <remarks>The protocol: tonistiigi/fsutil, receive.go, send.go and validator.go.</remarks>
internal sealed class DirectoryReceiver
{
    // fsutil's sender reads four files at a time; a few more requests keep it busy.
    private const int MaxOpenFiles = 16;

    // Packets of zeros only become holes: at least a page of a file system.
    private const int SmallestHole = 4096;

    private readonly IFramedMessages _call;
    private readonly OutputDirectory _directory;
    private readonly ReceiveLimits _limits;
    private readonly ReceiveCounters _counters;
    private readonly Queue<(uint Id, ReceivedStat Stat)> _wanted = new();
    private readonly Dictionary<uint, OpenFile> _open = [];
    private readonly List<ReceivedStat> _directories = [];
    private readonly List<ReceivedStat> _links = [];
    private readonly HashSet<string> _files = new(StringComparer.Ordinal);
    private readonly HashSet<string> _folders = new(StringComparer.Ordinal) { string.Empty };
    private uint _next;
    private byte[] _lastPath = [];
    private bool _listed;

    public DirectoryReceiver(IFramedMessages call, OutputDirectory directory, ReceiveLimits limits, ReceiveCounters counters)
    {
        _call = call;
        _directory = directory;
        _limits = limits;
        _counters = counters;
    }

    /// <summary>The received paths, bytes as characters (ISO 8859-1): files and other entries, and directories.</summary>
    public (IReadOnlySet<string> Files, IReadOnlySet<string> Folders) Entries => (_files, _folders);

    /// <summary>Receives until both sides are done. <c>beforeEnd</c> runs when everything has arrived, before the sender gets the FIN packet.</summary>
    /// <exception cref="ContextException">The engine broke the rules, or the directory could not be written.</exception>
    public async Task RunAsync(Func<Task> beforeEnd, CancellationToken cancellationToken)
    {
        try
        {
            while (!_listed || _wanted.Count > 0 || _open.Count > 0)
            {
                await RequestAsync(cancellationToken).ConfigureAwait(false);
                using ReceivedMessage message = await _call.ReadMessageAsync(cancellationToken).ConfigureAwait(false)
                    ?? throw Broken("it ended before all files were received");
                Take(message.Memory.Span);
            }

            Finish();
            await beforeEnd().ConfigureAwait(false);
            await _call.WriteFramedAsync(PacketCodec.Finish(), cancellationToken).ConfigureAwait(false);
            await ReadEndAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ContextException e) when (e.Kind != ContextErrorKind.Receiver)
        {
            await TellSenderAsync(e.Message, cancellationToken).ConfigureAwait(false);
            throw;
        }
        finally
        {
            foreach (OpenFile file in _open.Values)
            {
                file.Stream.Dispose();
                _directory.Discard(file.TemporaryPath);
            }
        }
    }

    private static ContextException Broken(string what) => new(ContextErrorKind.Protocol, $"The engine violated the protocol of an output transfer: {what}.");

    private static string Key(ReadOnlySpan<byte> path) => Encoding.Latin1.GetString(path);

    private async Task TellSenderAsync(string message, CancellationToken cancellationToken)
    {
        try
        {
            await _call.WriteFramedAsync(PacketCodec.Error(message), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // A sender that is gone needs no message; the failure here is what counts, such as a full disk.
        }
    }

    private async ValueTask RequestAsync(CancellationToken cancellationToken)
    {
        while (_wanted.Count > 0 && _open.Count < MaxOpenFiles)
        {
            (uint id, ReceivedStat stat) = _wanted.Dequeue();
            (FileStream stream, byte[] temporary) = _directory.CreateFile(stat.Path);
            _open.Add(id, new OpenFile(stat, stream, temporary));
            await _call.WriteFramedAsync(PacketCodec.Request(id), cancellationToken).ConfigureAwait(false);
        }
    }

    private void Take(ReadOnlySpan<byte> message)
    {
        ReceivedFilePacket packet = ReceivedFilePacket.Read(message);
        switch (packet.Type)
        {
            case PacketType.Stat when _listed:
                throw Broken("an entry was received after the end of the listing");
            case PacketType.Stat when packet.Stat is null:
                _listed = true;
                break;
            case PacketType.Stat:
                List(packet.Stat);
                break;
            case PacketType.Data:
                Write(packet.Id, packet.Data);
                break;
            case PacketType.Error:
                throw new ContextException(ContextErrorKind.Receiver, $"The engine could not send the output: {Utf8.Display(packet.Data)}");
            default:
                throw Broken($"a {packet.Type} packet was received from the sender");
        }
    }

    private void List(ReceivedStat stat)
    {
        string shown = Utf8.Display(stat.Path);
        CheckPath(stat.Path, shown);
        if (_lastPath.Length > 0 && BytePath.Compare(_lastPath, stat.Path) >= 0)
        {
            throw Broken($"'{shown}' is out of order or was received twice");
        }

        _lastPath = stat.Path;
        int slash = stat.Path.AsSpan().LastIndexOf((byte)'/');
        if (!_folders.Contains(slash < 0 ? string.Empty : Key(stat.Path.AsSpan(0, slash))))
        {
            throw Broken($"'{shown}' was received before its directory");
        }

        if (_counters.AddEntry() > _limits.MaxEntries)
        {
            throw Broken($"more than {_limits.MaxEntries} entries were received");
        }

        if (_counters.AddList(stat.HeldBytes) > _limits.MaxListBytes)
        {
            throw Broken($"names and attributes of more than {_limits.MaxListBytes} bytes were received");
        }

        uint id = _next++;
        if (stat.IsDirectory)
        {
            _folders.Add(Key(stat.Path));
            _directories.Add(stat);
            _directory.MakeDirectory(stat.Path);
            return;
        }

        if (stat.LinkName.Length > _limits.MaxPathBytes || stat.LinkName.Contains((byte)0))
        {
            throw Broken($"the target of the symbolic link '{shown}' is too long or invalid");
        }

        if (stat.IsHardLink)
        {
            CheckPath(stat.LinkName, shown);
            if (!_files.Contains(Key(stat.LinkName)))
            {
                throw Broken($"the target of the hard link '{shown}' was not received before it");
            }

            _links.Add(stat);
        }
        else if (stat.IsRegular)
        {
            if (stat.Size < 0 || stat.Size > _limits.MaxFileBytes)
            {
                throw Broken($"'{shown}' is larger than {_limits.MaxFileBytes} bytes");
            }

            _wanted.Enqueue((id, stat));
        }
        else if (stat.IsSymlink && stat.LinkName.Length > 0)
        {
            _directory.MakeSymlink(stat.Path, stat.LinkName);
            _directory.SetTime(stat.Path, stat.Modified);
        }
        else if (stat.IsPipe)
        {
            _directory.MakePipe(stat.Path, stat.Mode);
            _directory.SetTime(stat.Path, stat.Modified);
        }
        else
        {
            throw new ContextException(
                ContextErrorKind.Unreadable, $"The output contains '{shown}', which is a device or a socket; only a tar output supports such files.");
        }

        _files.Add(Key(stat.Path));
    }

    private void CheckPath(ReadOnlySpan<byte> path, string shown)
    {
        if (path.IsEmpty || path.Length > _limits.MaxPathBytes)
        {
            throw Broken(path.IsEmpty ? "an entry has no name" : $"a path has more than {_limits.MaxPathBytes} bytes");
        }

        foreach (Range part in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = path[part];
            if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) || name.Contains((byte)0) || name.Length > 255)
            {
                throw Broken($"'{shown}' is not a plain relative path");
            }
        }
    }

    private void Write(uint id, ReadOnlySpan<byte> data)
    {
        if (!_open.TryGetValue(id, out OpenFile? file))
        {
            throw Broken("data was received that was not requested");
        }

        if (data.IsEmpty)
        {
            _open.Remove(id);
            if (file.HasHole)
            {
                // The file may end with a hole.
                file.Stream.SetLength(file.Stream.Position);
            }

            _directory.Publish(file.Stream, file.TemporaryPath, file.Stat.Path, file.Stat);
            return;
        }

        file.Length += data.Length;
        if (file.Length > _limits.MaxFileBytes)
        {
            throw Broken($"'{Utf8.Display(file.Stat.Path)}' is larger than {_limits.MaxFileBytes} bytes");
        }

        if (_counters.AddBytes(data.Length) > _limits.MaxTotalBytes)
        {
            throw Broken($"more than {_limits.MaxTotalBytes} bytes were received");
        }

        try
        {
            if (data.Length >= SmallestHole && !data.ContainsAnyExcept((byte)0))
            {
                file.Stream.Position += data.Length;
                file.HasHole = true;
            }
            else
            {
                file.Stream.Write(data);
            }
        }
        catch (IOException e)
        {
            throw new ContextException(ContextErrorKind.Unreadable, $"Cannot write '{Utf8.Display(file.Stat.Path)}' in the output '{_directory.Location}': {e.Message}", e);
        }
    }

    /// <summary>Applies what needs all files: hard links, and the modes and times of directories, children before parents.</summary>
    private void Finish()
    {
        foreach (ReceivedStat link in _links)
        {
            _directory.MakeHardLink(link.Path, link.LinkName);
        }

        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            _directory.FinishDirectory(_directories[i].Path, _directories[i]);
        }
    }

    /// <summary>
    /// Waits until the sender says that it is done. The call ends then, so that nothing can follow: older daemons keep their side of the call
    /// open until the build ends.
    /// </summary>
    private async Task ReadEndAsync(CancellationToken cancellationToken)
    {
        using ReceivedMessage? message = await _call.ReadMessageAsync(cancellationToken).ConfigureAwait(false);
        if (message is not null && ReceivedFilePacket.Read(message.Memory.Span).Type != PacketType.Finish)
        {
            throw Broken("data was received after the end");
        }
    }

    private sealed class OpenFile(ReceivedStat stat, FileStream stream, byte[] temporaryPath)
    {
        public ReceivedStat Stat { get; } = stat;

        public FileStream Stream { get; } = stream;

        public byte[] TemporaryPath { get; } = temporaryPath;

        public long Length { get; set; }

        public bool HasHole { get; set; }
    }
}

internal sealed class ReceiveCounters
{
    private long _bytes;
    private long _list;
    private int _entries;

    public long AddBytes(long count) => Interlocked.Add(ref _bytes, count);

    public long AddList(long count) => Interlocked.Add(ref _list, count);

    public int AddEntry() => Interlocked.Increment(ref _entries);
}
