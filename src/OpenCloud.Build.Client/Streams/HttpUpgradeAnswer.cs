using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Client.Streams;

/// <summary>The answer to an HTTP/1.1 upgrade (RFC 9110, 7.8), read without taking bytes after its head from the stream.</summary>
internal sealed record HttpUpgradeAnswer(int Status, string Upgrade, string Server, string Body)
{
    private const int LongestHead = 16 * 1024;
    private const int LongestExcerpt = 300;
    private static readonly TimeSpan BodyPatience = TimeSpan.FromMilliseconds(500);

    /// <exception cref="InvalidDataException">The answer is not HTTP/1, or its head is too long.</exception>
    /// <exception cref="EndOfStreamException">The stream ended within the head.</exception>
    public static async ValueTask<HttpUpgradeAnswer> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        string[] lines = (await ReadHeadAsync(stream, cancellationToken).ConfigureAwait(false)).Split("\r\n");
        string[] words = lines[0].Split(' ', 3);
        if (words.Length < 2 || words[1].Length != 3 || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            throw new InvalidDataException($"it answered '{Printable(lines[0])}'.");
        }

        string upgrade = "";
        string server = "";
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':');
            if (colon > 0)
            {
                string value = line[(colon + 1)..].Trim();
                switch (line[..colon].ToLowerInvariant())
                {
                    case "upgrade":
                        upgrade = Printable(value);
                        break;
                    case "server":
                        server = Printable(value);
                        break;
                }
            }
        }

        string body = status == 101 ? "" : await ReadExcerptAsync(stream, cancellationToken).ConfigureAwait(false);
        return new HttpUpgradeAnswer(status, upgrade, server, body);
    }

    private static async ValueTask<string> ReadHeadAsync(Stream stream, CancellationToken cancellationToken)
    {
        // Byte by byte: the bytes after the head are HTTP/2 and belong to its reader. Some 150 small reads, once per connection.
        byte[] head = new byte[LongestHead];
        int length = 0;
        while (!head.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            if (length == head.Length)
            {
                throw new InvalidDataException($"the header of its answer is longer than {LongestHead} bytes.");
            }

            if (await stream.ReadAsync(head.AsMemory(length, 1), cancellationToken).ConfigureAwait(false) == 0)
            {
                throw new EndOfStreamException(length == 0 ? "it closed the connection without an answer." : "its answer ends within the header.");
            }

            length++;
            ReadOnlySpan<byte> start = "HTTP/1."u8;
            int known = Math.Min(length, start.Length);
            if (!head.AsSpan(0, known).SequenceEqual(start[..known]))
            {
                throw new InvalidDataException("its answer is not HTTP/1.");
            }
        }

        return Encoding.Latin1.GetString(head, 0, length - 4);
    }

    private static async ValueTask<string> ReadExcerptAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] body = new byte[LongestExcerpt];
        int length = 0;
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(BodyPatience);
        try
        {
            int read;
            while (length < body.Length && (read = await stream.ReadAsync(body.AsMemory(length), patience.Token).ConfigureAwait(false)) > 0)
            {
                length += read;
                if (body.AsSpan(0, length).TrimEnd("\r\n"u8).EndsWith("}"u8))
                {
                    break;
                }
            }
        }
        catch (Exception e) when ((e is OperationCanceledException && !cancellationToken.IsCancellationRequested) || e is IOException)
        {
            // The excerpt only supplements an error; a partial one is enough.
        }

        return Printable(Encoding.UTF8.GetString(body, 0, length).Trim());
    }

    private static string Printable(string text) =>
        new([.. text.Take(LongestExcerpt).Select(static c => char.IsControl(c) ? ' ' : c)]);
}
