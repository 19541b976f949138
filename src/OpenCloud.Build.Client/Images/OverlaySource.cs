using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images;

/// <summary>Contents that were made here, else those of another source.</summary>
internal sealed class OverlaySource(Dictionary<ContentDigest, byte[]> made, IBlobSource inner) : IBlobSource
{
    public string Location => inner.Location;

    public async ValueTask<long?> GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        made.TryGetValue(digest, out byte[]? bytes) ? bytes.Length : await inner.GetLengthAsync(digest, cancellationToken).ConfigureAwait(false);

    public async ValueTask<Stream> OpenAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        made.TryGetValue(digest, out byte[]? bytes) ? new MemoryStream(bytes, writable: false) : await inner.OpenAsync(digest, cancellationToken).ConfigureAwait(false);
}
