using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Images;

/// <summary>An image that was imported.</summary>
public sealed record ContainerImageImport
{
    /// <summary>The names it was given.</summary>
    public IReadOnlyList<string> Name { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The digest of its index or manifest.</summary>
    public required string Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The namespace of containerd; empty for a Docker Engine.</summary>
    public string Namespace { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The address of the store; empty for the one that is used by default.</summary>
    public string Engine { get; init; } = string.Empty;

    /// <summary>What it was imported from.</summary>
    public required string Path { get; init; }

    /// <summary>The bytes sent to the store; zero when it had all of them.</summary>
    public long BytesMoved { get; init; }

    /// <summary>How many contents were sent.</summary>
    public int ContentsMoved { get; init; }

    /// <summary>How many contents the store had.</summary>
    public int ContentsPresent { get; init; }
}
