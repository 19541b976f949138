using System.Diagnostics.CodeAnalysis;
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

    /// <summary>Parses docker's form: <c>type=provenance,mode=max</c>; the type may come first without its key.</summary>
    /// <returns>True when the text is valid; otherwise <paramref name="error"/> has the reason.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ImageAttestation? attestation, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        attestation = null;
        error = null;
        try
        {
            Dictionary<string, string> attributes = AttributeText.Parse(IsType(text.Split(',', 2)[0].Trim()) ? "type=" + text : text, "attestation");
            attestation = attributes.Remove("type", out string? type) && IsType(type) ? new ImageAttestation(type, attributes) : null;
            error = attestation is null ? $"the type must be {Provenance} or {Sbom}" : null;
        }
        catch (FormatException e)
        {
            error = e.Message.TrimEnd('.');
        }

        return attestation is not null;
    }

    internal string ToOption() => CommaSeparated.Join(Attributes.Select(static a => $"{a.Key}={a.Value}"));
}
