using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Images;

/// <summary>An imported image.</summary>
public sealed record ContainerImageImport
{
    /// <summary>The names of the image in the short form that people write (<c>app:1</c>).</summary>
    public IReadOnlyList<string> Names => ImageReference.Familiar(References);

    /// <summary>The full references of the image (<c>docker.io/library/app:1</c>).</summary>
    public IReadOnlyList<string> References { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The digest of its index or manifest.</summary>
    public required string Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The containerd namespace; empty for a Docker Engine.</summary>
    public string Namespace { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The address of the store.</summary>
    public string Store { get; init; } = string.Empty;

    /// <summary>The path of the imported archive, a file or a directory.</summary>
    public required string Path { get; init; }

    /// <summary>The bytes sent to the store; zero when it already had everything.</summary>
    public long BytesMoved { get; init; }

    /// <summary>The number of contents sent.</summary>
    public int ContentsMoved { get; init; }

    /// <summary>The number of contents that the store already had.</summary>
    public int ContentsPresent { get; init; }
}
