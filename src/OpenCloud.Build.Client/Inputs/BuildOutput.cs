using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>An output of a build: a BuildKit exporter, its attributes, and for some types a local destination.</summary>
public sealed class BuildOutput
{
    /// <summary>The type for an image in the engine's own store.</summary>
    public const string Image = "image";

    /// <summary>The type for no output: the build only fills the cache.</summary>
    public const string CacheOnly = "cacheonly";

    /// <summary>The type for an image that is pushed.</summary>
    public const string Registry = "registry";

    /// <summary>The type for an OCI layout, as an archive or, with the attribute <c>tar=false</c>, as a directory.</summary>
    public const string Oci = "oci";

    /// <summary>The type for an archive that <c>docker load</c> reads.</summary>
    public const string Docker = "docker";

    /// <summary>The type for the root file system as an archive.</summary>
    public const string Tar = "tar";

    /// <summary>The type for the root file system as files in a directory.</summary>
    public const string Local = "local";

    /// <summary>The destination for this process's standard output.</summary>
    public const string StandardOutput = "-";

    /// <summary>The types that every BuildKit supports.</summary>
    public static IReadOnlyList<string> Types { get; } = [Image, Registry, Oci, Docker, Tar, Local, CacheOnly];

    /// <summary>The exporter type: one of <see cref="Types"/>, or another that the engine supports.</summary>
    public required string Type { get; init; }

    /// <summary>The local file or directory; <see cref="StandardOutput"/> for standard output. Null for types without a destination.</summary>
    public string? Destination { get; init; }

    /// <summary>
    /// The exporter's attributes by its own names: <c>name</c>, <c>push</c>, <c>compression</c>, <c>oci-mediatypes</c>, <c>unpack</c>,
    /// <c>dangling-name-prefix</c>, <c>tar</c>, <c>mode</c>, … (moby/buildkit, exporter). Messages do not contain their values.
    /// </summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Parses docker's form: <c>type=local,dest=out</c>. A bare path means a directory for <c>local</c>, a bare <c>-</c> an archive on standard
    /// output.
    /// </summary>
    /// <exception cref="FormatException">The text is malformed.</exception>
    public static BuildOutput Parse(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        if (!text.Contains('='))
        {
            return text == StandardOutput ? new BuildOutput { Type = Tar, Destination = text } : new BuildOutput { Type = Local, Destination = text };
        }

        Dictionary<string, string> pairs = AttributeText.Parse(text, "output");
        if (!pairs.Remove("type", out string? type) || type.Length == 0)
        {
            throw new FormatException("The type of the output is missing; for example type=local,dest=out.");
        }

        pairs.Remove("dest", out string? destination);
        return new BuildOutput { Type = type, Destination = destination, Attributes = pairs };
    }

    /// <summary>The type and the destination; never the attributes.</summary>
    public override string ToString() => Destination is null ? Type : $"{Type} to '{Destination}'";
}
