using System.Collections;
using System.Globalization;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Parses a user's names, annotations, attestations and timestamp of an image.</summary>
internal static class ImageArguments
{
    /// <exception cref="BuildErrorException">A name is no image reference, or has a digest.</exception>
    public static IReadOnlyList<string> Tags(IEnumerable<string> tags) => [.. tags.Select(ReadTag).Distinct().Select(static t => t.ToString())];

    /// <exception cref="BuildErrorException">The key of an annotation is invalid.</exception>
    public static IReadOnlyList<ImageAnnotation> Annotations(IDictionary? annotations)
    {
        List<ImageAnnotation> read = [];
        foreach ((string key, string value) in KeyValueArguments.Read("Annotation", annotations, static _ => ""))
        {
            read.AddRange(ImageAnnotation.TryParse(key, value, out IReadOnlyList<ImageAnnotation>? parsed, out string? error)
                ? parsed
                : throw ErrorCatalog.InvalidOption.ToException(key, null, "Annotation", key, error));
        }

        return read;
    }

    /// <summary>Parses attestations. Those of their own parameters come last and have priority.</summary>
    /// <exception cref="BuildErrorException">An attestation has an unknown type.</exception>
    public static IReadOnlyList<ImageAttestation> Attestations(object[]? attestations, string? provenance, string? sbom)
    {
        Dictionary<string, ImageAttestation> read = new(StringComparer.Ordinal);
        foreach (ImageAttestation attestation in UnquotedText.Join(attestations).Select(ReadAttestation))
        {
            read[attestation.Type] = attestation;
        }

        Add(read, ImageAttestation.Provenance, provenance, "mode");
        Add(read, ImageAttestation.Sbom, sbom, "generator");
        return [.. read.Values.Where(static a => !(a.Attributes.TryGetValue("disabled", out string? off) && off == "true"))];
    }

    /// <exception cref="BuildErrorException">Timestamps are to be rewritten, but no time is given.</exception>
    public static SourceDate? SourceDate(DateTimeOffset? epoch, bool rewriteTimestamps) => (epoch?.ToUnixTimeSeconds() ?? FromEnvironment()) is { } seconds
        ? new SourceDate(seconds, rewriteTimestamps)
        : rewriteTimestamps ? throw ErrorCatalog.InvalidOption.ToException(null, null, "RewriteTimestamp", "true", "it requires -SourceDateEpoch") : null;

    /// <summary>The value of $SOURCE_DATE_EPOCH, which buildctl and buildx read as well.</summary>
    private static long? FromEnvironment() => Environment.GetEnvironmentVariable(Client.Inputs.SourceDate.ArgumentName) is not { Length: > 0 } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds) ? seconds
        : throw ErrorCatalog.InvalidOption.ToException(text, null, "SourceDateEpoch", text, $"${Client.Inputs.SourceDate.ArgumentName} is not a number of seconds since 1970-01-01");

    private static ImageReference ReadTag(string text)
    {
        if (!ImageReference.TryParse(text, out ImageReference? reference, out ImageReferenceError? error))
        {
            throw ErrorCatalog.InvalidImageReference.ToException(text, null, text, error);
        }

        return reference.Digest is null ? reference.WithDefaultTag() : throw ErrorCatalog.TagWithDigest.ToException(text, null, text);
    }

    private static ImageAttestation ReadAttestation(object? item)
    {
        if (item is not IDictionary dictionary)
        {
            return ReadAttestation(Convert.ToString(item, CultureInfo.InvariantCulture) ?? "");
        }

        Dictionary<string, string> attributes = new(KeyValueArguments.Read("Attest", dictionary, static _ => ""), StringComparer.Ordinal);
        return attributes.Remove("type", out string? type) && ImageAttestation.IsType(type)
            ? new ImageAttestation(type, attributes)
            : throw ErrorCatalog.InvalidOption.ToException(item, null, "Attest", type ?? item, "the type must be provenance or sbom");
    }

    private static ImageAttestation ReadAttestation(string text) => ImageAttestation.TryParse(text, out ImageAttestation? attestation, out string? error)
        ? attestation
        : throw ErrorCatalog.InvalidOption.ToException(text, null, "Attest", text, error);

    private static void Add(Dictionary<string, ImageAttestation> read, string type, string? value, string attribute)
    {
        switch (value?.ToLowerInvariant())
        {
            case null or "":
                break;
            case "false":
                read.Remove(type);
                break;
            case "true":
                read[type] = new ImageAttestation(type, new Dictionary<string, string>());
                break;
            default:
                read[type] = value.Contains('=', StringComparison.Ordinal)
                    ? ReadAttestation($"{type},{value}")
                    : new ImageAttestation(type, new Dictionary<string, string> { [attribute] = value });
                break;
        }
    }
}
