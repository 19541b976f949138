using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Inputs;

internal enum NamedContextKind
{
    Directory,

    OciLayout,

    /// <summary>Something that the engine fetches: an image of a registry or its own store, git, HTTP.</summary>
    Remote,

    /// <summary>The result of another build of the same set.</summary>
    Target,
}

/// <summary>A named context: a name that FROM, COPY --from and RUN --mount may use, or that replaces a stage or an image.</summary>
/// <remarks>Source: moby/buildkit, frontend/dockerui/namedcontext.go. <c>Name</c> has the form in which the frontend compares names.</remarks>
internal sealed record NamedContext(string Name, NamedContextKind Kind, string Value, OciLayoutReference? Layout)
{
    /// <summary>The scheme of an image in a registry or in the engine's own store.</summary>
    public const string ImageScheme = "docker-image://";

    /// <summary>The prefix of another build of the same set, as in bake files.</summary>
    public const string TargetPrefix = "target:";

    /// <summary>The value with the <c>//</c> that the frontend lets users omit after <c>docker-image:</c> and <c>oci-layout:</c>.</summary>
    public static string Complete(string value)
    {
        foreach (string scheme in (ReadOnlySpan<string>)[ImageScheme, OciLayoutReference.Scheme])
        {
            string bare = scheme[..^2];
            if (value.StartsWith(bare, StringComparison.Ordinal) && !value.StartsWith(scheme, StringComparison.Ordinal))
            {
                return scheme + value[bare.Length..];
            }
        }

        return value;
    }

    /// <exception cref="FormatException">The name or a reference is invalid.</exception>
    /// <exception cref="InvalidDataException">An OCI layout is invalid, or does not have the image.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory does not exist.</exception>
    public static NamedContext Parse(string name, string value)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAny(" \t\n="))
        {
            throw new FormatException($"Invalid name '{name}' of a build context.");
        }

        string key = NameOf(name);
        if (value.StartsWith(TargetPrefix, StringComparison.Ordinal))
        {
            return value.Length > TargetPrefix.Length
                ? new NamedContext(key, NamedContextKind.Target, value[TargetPrefix.Length..], null)
                : throw new FormatException($"The build context '{name}' names no target.");
        }

        value = Complete(value);
        if (value.StartsWith(ImageScheme, StringComparison.Ordinal))
        {
            string reference = value[ImageScheme.Length..];
            return ImageReference.TryParse(reference, out _, out ImageReferenceError? error)
                ? new NamedContext(key, NamedContextKind.Remote, value, null)
                : throw new FormatException($"The build context '{name}' has an invalid image reference '{reference}': {error}.");
        }

        if (value.StartsWith(OciLayoutReference.Scheme, StringComparison.Ordinal))
        {
            return new NamedContext(key, NamedContextKind.OciLayout, value, OciLayoutReference.Resolve(value));
        }

        if (ContextLocation.IsAddress(value))
        {
            return new NamedContext(key, NamedContextKind.Remote, value, null);
        }

        if (value.Contains("://", StringComparison.Ordinal))
        {
            throw new FormatException($"The build context '{name}' has an unsupported scheme: '{ContextLocation.WithoutSecrets(value)}'. Use docker-image, oci-layout, git, ssh, http or https, a directory, or target:NAME for another build of a set.");
        }

        string path = Path.GetFullPath(value);
        return Directory.Exists(path)
            ? new NamedContext(key, NamedContextKind.Directory, path, null)
            : throw new DirectoryNotFoundException(File.Exists(path)
                ? $"The build context '{name}' is '{path}', which is a file; a directory is required."
                : $"The build context '{name}' is '{path}', which does not exist.");
    }

    /// <summary>The name in the form that the frontend looks up: an image's familiar name, without the default tag.</summary>
    private static string NameOf(string name)
    {
        if (!ImageReference.TryParse(name, out ImageReference? reference, out _))
        {
            return name;
        }

        string familiar = reference.ToFamiliarString();
        return familiar.EndsWith(":latest", StringComparison.Ordinal) ? familiar[..^":latest".Length] : familiar;
    }
}
