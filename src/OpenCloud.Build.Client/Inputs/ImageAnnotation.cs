using System.Diagnostics.CodeAnalysis;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>The document of an image that has an annotation.</summary>
public enum AnnotationLevel
{
    /// <summary>The manifest of each platform.</summary>
    Manifest,

    /// <summary>The index; it exists only with several platforms or with attestations.</summary>
    Index,

    /// <summary>The descriptor of a manifest, in the index, or in an OCI layout with a single manifest.</summary>
    ManifestDescriptor,

    /// <summary>The descriptor of the index, in an OCI layout.</summary>
    IndexDescriptor,
}

/// <summary>An annotation of an image's documents.</summary>
/// <param name="Level">The document.</param>
/// <param name="Platform">The platform, for manifests and their descriptors; null for all.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value.</param>
/// <remarks>The exporter's attributes are those of moby/buildkit, exporter/containerimage/exptypes/annotations.go.</remarks>
public sealed record ImageAnnotation(AnnotationLevel Level, Platform? Platform, string Key, string Value)
{
    /// <summary>True for annotations that only an image with an index can have.</summary>
    internal bool NeedsIndex => Level is AnnotationLevel.Index or AnnotationLevel.IndexDescriptor;

    /// <summary>
    /// Parses a key in the form of <c>docker buildx build --annotation</c>: <c>key</c>, or <c>level[,level…]:key</c> with the levels
    /// <c>manifest</c>, <c>index</c>, <c>manifest-descriptor</c>, <c>index-descriptor</c>, and an optional <c>[os/arch]</c> for those of manifests.
    /// </summary>
    /// <returns>True when the key is valid; otherwise <paramref name="error"/> has the reason.</returns>
    public static bool TryParse(string key, string value, [NotNullWhen(true)] out IReadOnlyList<ImageAnnotation>? annotations, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(key);
        annotations = null;
        string levels = "manifest";
        string name = key;
        int colon = key.IndexOf(':');
        if (colon >= 0)
        {
            levels = key[..colon];
            name = key[(colon + 1)..];
        }

        if (name.Length == 0 || name.AsSpan().ContainsAny(' ', '\t', '\n'))
        {
            error = "its name is empty or contains white space";
            return false;
        }

        List<ImageAnnotation> made = [];
        foreach (string text in levels.Split(','))
        {
            if (ParseLevel(text, name, value, out string? wrong) is not { } annotation)
            {
                error = wrong ?? "it cannot be read";
                return false;
            }

            made.Add(annotation);
        }

        annotations = made;
        error = null;
        return true;
    }

    internal string ToAttribute() => Level switch
    {
        AnnotationLevel.Manifest => $"annotation-manifest{Scope}.{Key}",
        AnnotationLevel.ManifestDescriptor => $"annotation-manifest-descriptor{Scope}.{Key}",
        AnnotationLevel.Index => $"annotation-index.{Key}",
        _ => $"annotation-index-descriptor.{Key}",
    };

    private string Scope => Platform is null ? string.Empty : $"[{Platform}]";

    private static ImageAnnotation? ParseLevel(string text, string name, string value, out string? error)
    {
        error = null;
        int bracket = text.IndexOf('[');
        string level = bracket < 0 ? text : text[..bracket];
        AnnotationLevel? known = level switch
        {
            "manifest" => AnnotationLevel.Manifest,
            "index" => AnnotationLevel.Index,
            "manifest-descriptor" => AnnotationLevel.ManifestDescriptor,
            "index-descriptor" => AnnotationLevel.IndexDescriptor,
            _ => null,
        };
        if (known is null)
        {
            error = $"the level '{level}' is unknown; use manifest, index, manifest-descriptor or index-descriptor";
            return null;
        }

        if (bracket < 0)
        {
            return new ImageAnnotation(known.Value, null, name, value);
        }

        if (known is AnnotationLevel.Index or AnnotationLevel.IndexDescriptor || !text.EndsWith(']'))
        {
            error = "only manifest and manifest-descriptor accept a platform in brackets";
            return null;
        }

        return Platform.TryParse(text[(bracket + 1)..^1], out Platform? platform, out error) ? new ImageAnnotation(known.Value, platform, name, value) : null;
    }
}
