using System.Text;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>Reads what a program says to the end, so that it never waits for a reader, and keeps no more of it than was agreed.</summary>
/// <param name="limit">How many bytes are kept.</param>
internal sealed class ProgramOutput(int limit)
{
    private readonly MemoryStream _kept = new();

    /// <summary>Whether there was more.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>What was kept, read as UTF-8.</summary>
    public string Text
    {
        get
        {
            lock (_kept)
            {
                return Encoding.UTF8.GetString(_kept.GetBuffer(), 0, (int)_kept.Length);
            }
        }
    }

    /// <summary>Reads a stream to its end.</summary>
    public async Task ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[16 << 10];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var count and > 0)
        {
            lock (_kept)
            {
                int room = Math.Min(count, limit - (int)_kept.Length);
                _kept.Write(buffer, 0, room);
                IsTruncated |= room < count;
            }
        }
    }

    /// <summary>Reads a stream to its end and passes on each line; one that is longer than the limit is cut.</summary>
    public static async Task ReadLinesAsync(Stream stream, int limit, Action<string> line, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[16 << 10];
        MemoryStream current = new();
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var count and > 0)
        {
            for (int at = 0; at < count; at++)
            {
                if (buffer[at] == '\n')
                {
                    Pass();
                }
                else if (current.Length < limit)
                {
                    current.WriteByte(buffer[at]);
                }
            }
        }

        if (current.Length > 0)
        {
            Pass();
        }

        void Pass()
        {
            line(Encoding.UTF8.GetString(current.GetBuffer(), 0, (int)current.Length));
            current.SetLength(0);
        }
    }
}
