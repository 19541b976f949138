using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>
/// Reads each content of another source once, verifies it and keeps it in an unnamed file. For stores that read a content twice, such as Docker
/// Engine's, which gets nothing before all of it is verified.
/// </summary>
internal sealed class SpoolingSource(IBlobSource inner) : IBlobSource, IDisposable
{
    private const int InMemory = 64 * 1024;

    private readonly ConcurrentDictionary<ContentDigest, Lazy<Task<Spooled>>> _kept = new();

    public string Location => inner.Location;

    public ValueTask<long?> GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken) => inner.GetLengthAsync(digest, cancellationToken);

    public async ValueTask<Stream> OpenAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        Spooled spooled = await _kept.GetOrAdd(digest, d => new Lazy<Task<Spooled>>(() => FetchAsync(d, cancellationToken))).Value.ConfigureAwait(false);
        return spooled.Bytes is { } bytes ? new MemoryStream(bytes, writable: false) : new FileSliceStream(spooled.File!, 0, spooled.Length);
    }

    public void Dispose()
    {
        foreach (Lazy<Task<Spooled>> kept in _kept.Values.Where(static k => k.IsValueCreated && k.Value.IsCompletedSuccessfully))
        {
            kept.Value.Result.File?.Dispose();
        }
    }

    private async Task<Spooled> FetchAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        long length = await inner.GetLengthAsync(digest, cancellationToken).ConfigureAwait(false) ?? throw new OciFormatException($"{Location} does not have the blob {digest}.");
        OciDescriptor descriptor = new(string.Empty, digest, length);
        VerifyingStream content = new(await inner.OpenAsync(digest, cancellationToken).ConfigureAwait(false), descriptor, Location);
        await using (content.ConfigureAwait(false))
        {
            if (length <= InMemory)
            {
                using MemoryStream memory = new();
                await TarOutput.CopyAsync(content, memory, cancellationToken).ConfigureAwait(false);
                return new Spooled(memory.ToArray(), null, length);
            }

            SafeFileHandle file = await TemporaryFile.OpenHandleAsync(file => TarOutput.CopyAsync(content, file, cancellationToken)).ConfigureAwait(false);
            return new Spooled(null, file, length);
        }
    }

    private sealed record Spooled(byte[]? Bytes, SafeFileHandle? File, long Length);
}
