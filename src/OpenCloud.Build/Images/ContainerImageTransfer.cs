using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Images;

/// <summary>An image that was sent to a registry, received from one, or copied between two places.</summary>
public sealed record ContainerImageTransfer
{
    /// <summary>The names of the image at its destination in the short form that people write (<c>app:1</c>).</summary>
    public IReadOnlyList<string> Names => ImageReference.Familiar(References);

    /// <summary>The full references of the image at its destination.</summary>
    public IReadOnlyList<string> References { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The digest of its index or manifest at its destination.</summary>
    public required string Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The name or path that the image came from.</summary>
    public required string Source { get; init => field = TerminalText.Name(value); }

    /// <summary>The platforms of the image, without attestations.</summary>
    public IReadOnlyList<string> Platforms { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The address of the image store that received the image; empty for a registry or a file.</summary>
    public string Store { get; init; } = string.Empty;

    /// <summary>The containerd namespace that received the image; empty elsewhere.</summary>
    public string Namespace { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The path of the archive that was written; empty elsewhere.</summary>
    public string Path { get; init; } = string.Empty;

    /// <summary>The bytes that were transferred; zero when the destination already had everything.</summary>
    public long BytesMoved { get; init; }

    /// <summary>The number of blobs and manifests that were transferred.</summary>
    public int ContentsMoved { get; init; }

    /// <summary>The number of blobs mounted from another repository of the registry.</summary>
    public int ContentsMounted { get; init; }

    /// <summary>The number of blobs and manifests that the destination already had.</summary>
    public int ContentsPresent { get; init; }
}
