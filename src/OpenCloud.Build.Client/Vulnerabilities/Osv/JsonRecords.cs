using System.Buffers;
using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>
/// Takes a stream apart into JSON objects: one, several one after the other (JSON Lines), or those of an array. Only one of them is in memory.
/// Whether each is valid, its parser decides.
/// </summary>
internal static class JsonRecords
{
    private const int FirstBuffer = 64 * 1024;

    /// <summary>Reads the objects; each is valid until the next is requested.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="most">The most bytes of one object.</param>
    /// <param name="count">Gets the number of bytes of each read, those between the objects included.</param>
    /// <param name="fail">Makes the exception from a reason.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        Stream stream, int most, Action<int> count, Func<string, Exception> fail, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        JsonRecordScanner scanner = new(fail);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        try
        {
            int length = 0;
            int at = 0;
            while (true)
            {
                while (scanner.Next(buffer.AsSpan(0, length), ref at, out int start))
                {
                    yield return buffer.AsMemory(start, at - start);
                }

                // What was scanned is dropped, but for the beginning of an object.
                int kept = scanner.Start ?? at;
                buffer.AsSpan(kept, length - kept).CopyTo(buffer);
                length -= kept;
                at -= kept;
                scanner.Moved(kept);
                if (length == buffer.Length)
                {
                    buffer = length < most ? Grow(buffer) : throw fail($"a record is larger than {most} bytes");
                }

                int read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    scanner.End();
                    yield break;
                }

                count(read);
                length += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
