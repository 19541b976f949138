using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>A document about the image that the engine attaches to its index.</summary>
/// <param name="Type"><c>provenance</c> or <c>sbom</c>.</param>
/// <param name="Attributes">
/// Of a provenance <c>mode</c> (<c>min</c>, <c>max</c>), <c>version</c> (<c>v0.2</c>, <c>v1</c>), <c>reproducible</c>, …; of an sbom
/// <c>generator</c>, the reference of the scanner's image, and what the scanner knows.
/// </param>
/// <remarks>Source: moby/buildkit, frontend/attestations/parse.go.</remarks>
public sealed record ImageAttestation(string Type, IReadOnlyDictionary<string, string> Attributes)
{
    /// <summary>What was done to build the image.</summary>
    public const string Provenance = "provenance";

    /// <summary>What is in the image.</summary>
    public const string Sbom = "sbom";

    /// <summary>Whether a text is a type that engines know.</summary>
    public static bool IsType(string type) => type is Provenance or Sbom;

    /// <summary>The attributes as the frontend's option has them.</summary>
    internal string ToOption() => CommaSeparated.Join(Attributes.Select(static a => $"{a.Key}={a.Value}"));
}
