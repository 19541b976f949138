using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>An attestation that the engine attaches to the image's index.</summary>
/// <param name="Type"><c>provenance</c> or <c>sbom</c>.</param>
/// <param name="Attributes">
/// For provenance: <c>mode</c> (<c>min</c>, <c>max</c>), <c>version</c> (<c>v0.2</c>, <c>v1</c>), <c>reproducible</c>, …; for sbom:
/// <c>generator</c>, the reference of the scanner's image, and the scanner's own attributes.
/// </param>
/// <remarks>Source: moby/buildkit, frontend/attestations/parse.go.</remarks>
public sealed record ImageAttestation(string Type, IReadOnlyDictionary<string, string> Attributes)
{
    /// <summary>The type for the record of how the image was built.</summary>
    public const string Provenance = "provenance";

    /// <summary>The type for the list of the image's contents.</summary>
    public const string Sbom = "sbom";

    /// <summary>Whether a text is a known attestation type.</summary>
    public static bool IsType(string type) => type is Provenance or Sbom;

    internal string ToOption() => CommaSeparated.Join(Attributes.Select(static a => $"{a.Key}={a.Value}"));
}
