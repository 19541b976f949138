using System.Diagnostics.CodeAnalysis;

namespace OpenCloud.Build.Client.Images.References;

/// <summary>
/// The name of an image: <c>[registry[:port]/]path[:tag][@digest]</c>, read and completed as docker, containerd and BuildKit do.
/// </summary>
/// <remarks>
/// Grammar and rules of completion: distribution/reference, regexp.go and normalize.go; digests: opencontainers/go-digest.
/// </remarks>
public sealed class ImageReference : IEquatable<ImageReference>
{
    /// <summary>The registry of names without one.</summary>
    public const string DefaultDomain = "docker.io";

    /// <summary>The tag of names with neither tag nor digest.</summary>
    public const string DefaultTag = "latest";

    /// <summary>The longest path, in characters; registry, tag and digest do not count.</summary>
    public const int MaxPathLength = 255;

    /// <summary>The longest tag, in characters.</summary>
    public const int MaxTagLength = 128;

    internal const string OfficialPrefix = "library/";

    internal ImageReference(string domain, string path, string? tag, string? digest)
    {
        Domain = domain;
        Path = path;
        Tag = tag;
        Digest = digest;
    }

    /// <summary>
    /// The registry, with its port if it has one; <see cref="DefaultDomain"/> when none was given. Empty for odd names whose first
    /// component looks like a registry but is not a valid one (<c>a_b.c/app</c>): the grammar takes it for part of the path.
    /// </summary>
    public string Domain { get; }

    /// <summary>The repository within the registry; with <c>library/</c> where Docker Hub puts it.</summary>
    public string Path { get; }

    /// <summary>The tag, or null.</summary>
    public string? Tag { get; }

    /// <summary>The digest, <c>algorithm:hex</c>, or null.</summary>
    public string? Digest { get; }

    /// <summary>The registry and the path.</summary>
    public string Name => Domain.Length == 0 ? Path : $"{Domain}/{Path}";

    /// <summary>Registry and path in the short form that people write: <c>busybox</c> for <c>docker.io/library/busybox</c>.</summary>
    public string FamiliarName
    {
        get
        {
            if (Domain != DefaultDomain)
            {
                return Name;
            }

            // Only directly below library/: docker.io/library/a/b cannot be written as a/b.
            return Path.StartsWith(OfficialPrefix, StringComparison.Ordinal) && Path.IndexOf('/', OfficialPrefix.Length) < 0
                ? Path[OfficialPrefix.Length..]
                : Path;
        }
    }

    /// <summary>Reads <paramref name="text"/>.</summary>
    /// <exception cref="ImageReferenceException">The text is not an image reference; the message says why.</exception>
    public static ImageReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out ImageReference? reference, out ImageReferenceError? error)
            ? reference
            : throw new ImageReferenceException(text, error);
    }

    /// <summary>Reads <paramref name="text"/>.</summary>
    /// <returns>Whether it is an image reference.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ImageReference? reference) =>
        TryParse(text, out reference, out _);

    /// <summary>Reads <paramref name="text"/>, and reports what is wrong with it if that fails.</summary>
    /// <returns>Whether it is an image reference.</returns>
    public static bool TryParse(
        [NotNullWhen(true)] string? text, [NotNullWhen(true)] out ImageReference? reference, [NotNullWhen(false)] out ImageReferenceError? error) =>
        new ImageReferenceReader(text ?? "").TryRead(out reference, out error);

    /// <summary>References in the short form; a text that is not a reference is unchanged.</summary>
    public static IReadOnlyList<string> Familiar(IReadOnlyList<string> references) =>
        TextList<string>.Of([.. references.Select(static r => TryParse(r, out ImageReference? reference) ? reference.ToFamiliarString() : r)]);

    /// <summary>The same reference with <see cref="DefaultTag"/>, if it has neither tag nor digest.</summary>
    public ImageReference WithDefaultTag() => Tag is null && Digest is null ? new(Domain, Path, DefaultTag, null) : this;

    /// <summary>The reference in the short form that people write.</summary>
    public string ToFamiliarString() => Join(FamiliarName);

    /// <summary>The whole reference.</summary>
    public override string ToString() => Join(Name);

    /// <inheritdoc/>
    public bool Equals(ImageReference? other) =>
        other is not null && Domain == other.Domain && Path == other.Path && Tag == other.Tag && Digest == other.Digest;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ImageReference);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Domain, Path, Tag, Digest);

    private string Join(string name) => (Tag, Digest) switch
    {
        (null, null) => name,
        (_, null) => $"{name}:{Tag}",
        (null, _) => $"{name}@{Digest}",
        _ => $"{name}:{Tag}@{Digest}",
    };
}
