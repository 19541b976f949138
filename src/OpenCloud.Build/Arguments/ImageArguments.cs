using System.Collections;
using System.Globalization;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
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
        Dictionary<string, Dictionary<string, string>> read = new(StringComparer.Ordinal);
        foreach (object? item in UnquotedText.Join(attestations))
        {
            Dictionary<string, string> attributes = AttributesOf(item ?? "");
            if (!attributes.Remove("type", out string? type) || !ImageAttestation.IsType(type))
            {
                throw ErrorCatalog.InvalidOption.ToException(item, null, "Attest", type ?? item ?? "", "the type must be provenance or sbom");
            }

            read[type] = attributes;
        }

        Add(read, ImageAttestation.Provenance, provenance, "mode");
        Add(read, ImageAttestation.Sbom, sbom, "generator");
        return [.. read.Where(static a => !(a.Value.TryGetValue("disabled", out string? off) && off == "true")).Select(static a => new ImageAttestation(a.Key, a.Value))];
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

    private static Dictionary<string, string> AttributesOf(object item)
    {
        if (item is IDictionary dictionary)
        {
            return new Dictionary<string, string>(KeyValueArguments.Read("Attest", dictionary, static _ => ""), StringComparer.Ordinal);
        }

        string text = Convert.ToString(item, CultureInfo.InvariantCulture) ?? "";
        string first = text.Split(',', 2)[0].Trim();
        try
        {
            // The type may come first without a key: provenance,mode=max.
            return AttributeText.Parse(ImageAttestation.IsType(first) ? "type=" + text : text, "attestation");
        }
        catch (FormatException exception)
        {
            throw ErrorCatalog.InvalidOption.ToException(item, exception, "Attest", text, exception.Message.TrimEnd('.'));
        }
    }

    private static void Add(Dictionary<string, Dictionary<string, string>> read, string type, string? value, string attribute)
    {
        switch (value?.ToLowerInvariant())
        {
            case null or "":
                break;
            case "false":
                read.Remove(type);
                break;
            case "true":
                read[type] = [];
                break;
            default:
                read[type] = value.Contains('=', StringComparison.Ordinal) ? AttributesOf(value) : new Dictionary<string, string> { [attribute] = value };
                break;
        }
    }
}
