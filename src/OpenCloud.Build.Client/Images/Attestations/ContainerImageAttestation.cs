using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Attestations;

/// <summary>A statement about an image. Nobody has verified who made it.</summary>
public sealed record ContainerImageAttestation
{
    /// <summary>The name, path or build that it was read from.</summary>
    public required string Image { get; init => field = TerminalText.Name(value); }

    /// <summary>The platform of the manifest that it is about; empty when it is not known.</summary>
    public string Platform { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>What it is about.</summary>
    public AttestationKind Kind { get; init; }

    /// <summary>The type of its predicate, or for a signature the type of the artifact.</summary>
    public string PredicateType { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The format and its version: <c>SLSA 0.2</c>, <c>SLSA 1</c>, <c>SPDX-2.3</c>; empty when it is another.</summary>
    public string Format { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The digest of the manifest that it is about; null when it is not known.</summary>
    public string? Subject { get; init => field = TerminalText.Name(value); }

    /// <summary>The digest of the statement.</summary>
    public required string Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The bytes of the statement.</summary>
    public long Size { get; init; }

    /// <summary>Who built, as the provenance says.</summary>
    public string Builder { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>The type of the build, as the provenance says.</summary>
    public string BuildType { get; init => field = TerminalText.Name(value); } = string.Empty;

    /// <summary>When the build began, as the provenance says.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>The addresses of what was built from, as the provenance says.</summary>
    public IReadOnlyList<string> Materials { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The packages of an SBOM, as <c>name version</c>.</summary>
    public IReadOnlyList<string> Packages { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The statement as JSON, or its predicate alone for one of the build history; empty for a signature.</summary>
    public string Statement { get; init => field = TerminalText.Plain(value); } = string.Empty;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {PredicateType}";
}
