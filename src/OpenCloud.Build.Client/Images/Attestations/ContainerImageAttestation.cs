using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Attestations;

/// <summary>A statement about an image. Its author is not verified.</summary>
public sealed record ContainerImageAttestation
{
    /// <summary>The name, path or build that it was read from.</summary>
    public required string Image { get; init => field = TerminalText.Name(value); }

    /// <summary>The platform of the manifest that the statement is about; empty when unknown.</summary>
    public string Platform { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The kind of the statement.</summary>
    public AttestationKind Kind { get; init; }

    /// <summary>The predicate type; for a signature, the artifact type.</summary>
    public string PredicateType { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The format and its version: <c>SLSA 0.2</c>, <c>SLSA 1</c>, <c>SPDX-2.3</c>; empty for other formats.</summary>
    public string Format { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The digest of the manifest that the statement is about; null when unknown.</summary>
    public string? Subject { get; init => field = TerminalText.Name(value); }

    /// <summary>The digest of the statement.</summary>
    public required string Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The size of the statement in bytes.</summary>
    public long Size { get; init; }

    /// <summary>The builder, according to the provenance.</summary>
    public string Builder { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The build type, according to the provenance.</summary>
    public string BuildType { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The start of the build, according to the provenance.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>The addresses of the build's inputs, according to the provenance.</summary>
    public IReadOnlyList<string> Materials { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The packages of an SBOM, as <c>name version</c>.</summary>
    public IReadOnlyList<string> Packages { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The statement as JSON; only its predicate when it comes from the build history; empty for a signature.</summary>
    public string Statement { get; init => field = TerminalText.Plain(value); } = string.Empty;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {PredicateType}";
}
