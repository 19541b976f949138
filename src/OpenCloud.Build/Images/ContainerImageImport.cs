using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Images;

/// <summary>An imported image.</summary>
public sealed record ContainerImageImport
{
    /// <summary>The names of the image in the store.</summary>
    public IReadOnlyList<string> Name { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The digest of its index or manifest.</summary>
    public required string Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The containerd namespace; empty for a Docker Engine.</summary>
    public string Namespace { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The address of the store; empty for the default store.</summary>
    public string Engine { get; init; } = string.Empty;

    /// <summary>The path of the imported archive, a file or a directory.</summary>
    public required string Path { get; init; }

    /// <summary>The bytes sent to the store; zero when it already had everything.</summary>
    public long BytesMoved { get; init; }

    /// <summary>The number of contents sent.</summary>
    public int ContentsMoved { get; init; }

    /// <summary>The number of contents that the store already had.</summary>
    public int ContentsPresent { get; init; }
}
