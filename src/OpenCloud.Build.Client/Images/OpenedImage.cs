using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Images;

/// <summary>An image that can be read: the root of its tree, and its contents.</summary>
public sealed class OpenedImage : IDisposable
{
    private readonly IDisposable? _owned;

    internal OpenedImage(OciDescriptor target, IBlobSource source, IDisposable? owned = null)
    {
        Target = target;
        Source = source;
        _owned = owned;
    }

    /// <summary>An image of an archive, which stays open.</summary>
    public static OpenedImage Of(ImageArchive archive, ArchivedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new OpenedImage(image.Target, archive);
    }

    /// <summary>The index or manifest.</summary>
    public OciDescriptor Target { get; }

    /// <summary>The contents.</summary>
    public IBlobSource Source { get; }

    /// <inheritdoc/>
    public void Dispose() => _owned?.Dispose();
}
