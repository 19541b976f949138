using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Images;

/// <summary>An image that can be read: where its tree starts, and its contents.</summary>
internal sealed class OpenedImage(OciDescriptor target, IBlobSource source, IDisposable? owned = null) : IDisposable
{
    public OciDescriptor Target { get; } = target;

    public IBlobSource Source { get; } = source;

    public void Dispose() => owned?.Dispose();
}
