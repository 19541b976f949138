using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>The messages of several small files, or of a part of a large one, on their way into one write.</summary>
/// <remarks>
/// <c>send</c> takes messages, the number of files that end in them, and their bytes of content. A file is read to its end, whatever its
/// listed size: some file systems report 0, or a whole page. fsutil does the same (send.go, sendFile), and its receiver accepts it.
/// </remarks>
internal sealed class FileBatch(
    FileTable files, TreeReader reader, byte[] buffer, ContextChanges changes, Func<ReadOnlyMemory<byte>, int, long, CancellationToken, ValueTask> send)
{
    // Not worth a DATA packet of its own at the end of a buffer.
    private const int SmallestChunk = 1024;

    private byte[] _path = new byte[256];
    private int _used;
    private int _files;
    private long _bytes;

    /// <summary>Gathers a file's packets; full buffers are sent.</summary>
    public async ValueTask SendAsync(int place, CancellationToken cancellationToken)
    {
        ListedFile listed = files.Get(place, ref _path, out int pathLength, out uint id);
        if (listed.Size >= 0 && TryOpen(listed, pathLength))
        {
            try
            {
                await SendContentAsync(id, listed, pathLength, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                reader.Close();
            }
        }

        if (buffer.Length - _used < PacketCodec.MaxDataHeader)
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        _used += PacketCodec.WriteDataHeader(buffer.AsSpan(_used), id, 0);
        _files++;
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_used > 0)
        {
            await send(buffer.AsMemory(0, _used), _files, _bytes, cancellationToken).ConfigureAwait(false);
            (_used, _files, _bytes) = (0, 0, 0);
        }
    }

    private bool TryOpen(in ListedFile listed, int pathLength)
    {
        try
        {
            reader.Open(_path.AsSpan(0, pathLength), listed);
            return true;
        }
        catch (ContextException e) when (e.Kind == ContextErrorKind.Changed)
        {
            reader.Close();
            changes.Report(e);
            return false;
        }
    }

    private async ValueTask SendContentAsync(uint id, ListedFile listed, int pathLength, CancellationToken cancellationToken)
    {
        long sent = 0;
        bool ended = false;
        while (!ended)
        {
            int room = buffer.Length - _used - PacketCodec.MaxDataHeader;
            long rest = Math.Max(listed.Size - sent, 1);
            if (room < rest && room < SmallestChunk)
            {
                await FlushAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            // Past the listed size a full read is tried: mostly there is nothing.
            int wanted = sent < listed.Size ? (int)Math.Min(room, rest) : room;
            int count = ReadChunk(id, wanted);
            sent += count;
            ended = count < wanted;
        }

        if ((changes.IsStrict || sent != listed.Size) && reader.HasChanged(listed, byTime: changes.IsStrict || sent < listed.Size))
        {
            changes.Report(ContextException.Changed(
                Utf8.Display(_path.AsSpan(0, pathLength)), $"it had {listed.Size} bytes when it was listed, and {sent} were sent"));
        }
    }

    /// <summary>Reads until the chunk is full or the file ends, and puts a packet's header in front.</summary>
    private int ReadChunk(uint id, int wanted)
    {
        int header = PacketCodec.DataHeaderSize(id, wanted);
        Span<byte> content = buffer.AsSpan(_used + header, wanted);
        int count = 0;
        int read;
        while (count < wanted && (read = reader.Read(content[count..])) > 0)
        {
            count += read;
        }

        if (count == 0)
        {
            return 0;
        }

        int needed = PacketCodec.DataHeaderSize(id, count);
        if (needed != header)
        {
            content[..count].CopyTo(buffer.AsSpan(_used + needed));
        }

        _used += PacketCodec.WriteDataHeader(buffer.AsSpan(_used), id, count) + count;
        _bytes += count;
        return count;
    }
}
