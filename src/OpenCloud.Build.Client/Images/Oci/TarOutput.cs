using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Writes a tar to any stream; the same files give the same bytes: no owner, no time, mode 0644.</summary>
/// <param name="stream">The stream, which stays open.</param>
/// <remarks>Format: POSIX.1-2017, pax. A file too large for the octal field gets a pax header.</remarks>
public sealed class TarOutput(Stream stream) : IArchiveOutput
{
    private const int BlockSize = 512;
    private const long MaxOctalSize = 0x1_FFFF_FFFF;

    private static readonly byte[] Zeroes = new byte[2 * BlockSize];

    private readonly HashSet<string> _directories = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task WriteAsync(string path, long length, Stream content, CancellationToken cancellationToken)
    {
        for (int slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            if (_directories.Add(path[..slash]))
            {
                await stream.WriteAsync(Header(path[..(slash + 1)], 0, '5', "0000755"), cancellationToken).ConfigureAwait(false);
            }
        }

        if (length > MaxOctalSize)
        {
            byte[] record = Encoding.ASCII.GetBytes(PaxRecord("size", length.ToString(CultureInfo.InvariantCulture)));
            await stream.WriteAsync(Header("pax", record.Length, 'x', "0000644"), cancellationToken).ConfigureAwait(false);
            await stream.WriteAsync(record, cancellationToken).ConfigureAwait(false);
            await PadAsync(record.Length, cancellationToken).ConfigureAwait(false);
        }

        await stream.WriteAsync(Header(path, Math.Min(length, MaxOctalSize), '0', "0000644"), cancellationToken).ConfigureAwait(false);
        long written = await CopyAsync(content, stream, cancellationToken).ConfigureAwait(false);
        if (written != length)
        {
            throw new OciFormatException($"'{path}' must be {length} bytes long, but has {written} bytes.");
        }

        await PadAsync(length, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Zeroes, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    internal static async Task<long> CopyAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(256 * 1024);
        try
        {
            long total = 0;
            int read;
            while ((read = await from.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                total += read;
            }

            return total;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Header(string path, long length, char type, string mode)
    {
        byte[] header = new byte[BlockSize];
        int split = path.Length <= 100 ? -1 : path.TrimEnd('/').LastIndexOf('/');
        Encoding.ASCII.GetBytes(split < 0 ? path : path[(split + 1)..], header.AsSpan(0, 100));
        Encoding.ASCII.GetBytes(split < 0 ? string.Empty : path[..split], header.AsSpan(345, 155));
        Encoding.ASCII.GetBytes(mode, header.AsSpan(100));
        Encoding.ASCII.GetBytes("0000000", header.AsSpan(108));
        Encoding.ASCII.GetBytes("0000000", header.AsSpan(116));
        Encoding.ASCII.GetBytes(Convert.ToString(length, 8).PadLeft(11, '0'), header.AsSpan(124));
        Encoding.ASCII.GetBytes("00000000000", header.AsSpan(136));
        header[156] = (byte)type;
        "ustar\000"u8.CopyTo(header.AsSpan(257));
        header.AsSpan(148, 8).Fill((byte)' ');
        int sum = header.Sum(static b => (int)b);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0", header.AsSpan(148));
        return header;
    }

    // The length of a record includes its own digits.
    private static string PaxRecord(string key, string value)
    {
        int rest = key.Length + value.Length + 3;
        int length = rest + rest.ToString(CultureInfo.InvariantCulture).Length;
        length = rest + length.ToString(CultureInfo.InvariantCulture).Length;
        return string.Create(CultureInfo.InvariantCulture, $"{length} {key}={value}\n");
    }

    private Task PadAsync(long length, CancellationToken cancellationToken) =>
        stream.WriteAsync(Zeroes.AsMemory(0, (int)((BlockSize - (length % BlockSize)) % BlockSize)), cancellationToken).AsTask();
}
