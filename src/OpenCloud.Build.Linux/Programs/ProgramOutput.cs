using System.Text;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>Reads a program's output to its end, so that the program never blocks, and keeps a limited part of it.</summary>
internal sealed class ProgramOutput(int limit)
{
    private readonly MemoryStream _kept = new();

    public bool IsTruncated { get; private set; }

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

    /// <summary>Reads a stream to its end and passes on each line, cut at the limit.</summary>
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
