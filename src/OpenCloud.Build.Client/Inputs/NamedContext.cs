using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>What a named context is.</summary>
internal enum NamedContextKind
{
    /// <summary>A directory of this machine.</summary>
    Directory,

    /// <summary>An image in an OCI layout of this machine.</summary>
    OciLayout,

    /// <summary>Something that the engine fetches itself: an image of a registry or of its own, git, HTTP.</summary>
    Remote,
}

/// <summary>
/// A context beside the main one: a name that FROM, COPY --from and RUN --mount may use, or that takes the place of a stage or an image.
/// </summary>
/// <param name="Name">The name, as the frontend compares it.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Value">The directory's path, or the address.</param>
/// <param name="Layout">The image, for an OCI layout.</param>
/// <remarks>Source: moby/buildkit, frontend/dockerui/namedcontext.go.</remarks>
internal sealed record NamedContext(string Name, NamedContextKind Kind, string Value, OciLayoutReference? Layout)
{
    /// <summary>How an image of a registry, or of the engine's own, begins.</summary>
    public const string ImageScheme = "docker-image://";

    /// <summary>The value with the <c>//</c> that the frontend lets users leave out after <c>docker-image:</c> and <c>oci-layout:</c>.</summary>
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

    /// <summary>Reads a context's name and what it is.</summary>
    /// <exception cref="FormatException">The name or a reference cannot be one.</exception>
    /// <exception cref="InvalidDataException">An OCI layout is none, or has no such image.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    public static NamedContext Parse(string name, string value)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAny(" \t\n="))
        {
            throw new FormatException($"'{name}' cannot name a build context.");
        }

        string key = NameOf(name);
        value = Complete(value);
        if (value.StartsWith(ImageScheme, StringComparison.Ordinal))
        {
            string reference = value[ImageScheme.Length..];
            return ImageReference.TryParse(reference, out _, out ImageReferenceError? error)
                ? new NamedContext(key, NamedContextKind.Remote, value, null)
                : throw new FormatException($"The build context '{name}' is no image: '{reference}' is no reference: {error}.");
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
            throw new FormatException($"The build context '{name}' is '{value}', whose scheme no engine knows: docker-image, oci-layout, git, ssh, http or https, or a directory.");
        }

        string path = Path.GetFullPath(value);
        return Directory.Exists(path)
            ? new NamedContext(key, NamedContextKind.Directory, path, null)
            : throw new DirectoryNotFoundException(File.Exists(path)
                ? $"The build context '{name}' is '{path}', which is a file; a context is a directory."
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
