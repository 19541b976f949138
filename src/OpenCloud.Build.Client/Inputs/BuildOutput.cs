using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>Where the result of a build goes: an exporter of BuildKit's, its attributes, and for some a place on this machine.</summary>
public sealed class BuildOutput
{
    /// <summary>The type for an image in the engine's own store.</summary>
    public const string Image = "image";

    /// <summary>The type for nothing at all: the build leaves its cache only.</summary>
    public const string CacheOnly = "cacheonly";

    /// <summary>The type for an image that is pushed.</summary>
    public const string Registry = "registry";

    /// <summary>The type for an OCI layout, as an archive or, with the attribute <c>tar=false</c>, as a directory.</summary>
    public const string Oci = "oci";

    /// <summary>The type for an archive that <c>docker load</c> takes.</summary>
    public const string Docker = "docker";

    /// <summary>The type for the root file system as an archive.</summary>
    public const string Tar = "tar";

    /// <summary>The type for the root file system as files in a directory.</summary>
    public const string Local = "local";

    /// <summary>A destination that is this process's standard output.</summary>
    public const string StandardOutput = "-";

    /// <summary>The types that every BuildKit knows.</summary>
    public static IReadOnlyList<string> Types { get; } = [Image, Registry, Oci, Docker, Tar, Local, CacheOnly];

    /// <summary>The exporter's type: one of <see cref="Types"/>, or another that the engine knows.</summary>
    public required string Type { get; init; }

    /// <summary>
    /// The file or directory on this machine; <see cref="StandardOutput"/> for the process's output. Null for the types that have none.
    /// </summary>
    public string? Destination { get; init; }

    /// <summary>
    /// The exporter's attributes by its own names: <c>name</c>, <c>push</c>, <c>compression</c>, <c>oci-mediatypes</c>, <c>unpack</c>,
    /// <c>dangling-name-prefix</c>, <c>tar</c>, <c>mode</c>, … (moby/buildkit, exporter). Values are kept out of messages.
    /// </summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Reads docker's form: <c>type=local,dest=out</c>; a path alone is a directory for <c>local</c>, and <c>-</c> alone an archive on
    /// standard output.
    /// </summary>
    /// <exception cref="FormatException">It is malformed.</exception>
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
            throw new FormatException("The output has no type; write for instance type=local,dest=out.");
        }

        pairs.Remove("dest", out string? destination);
        return new BuildOutput { Type = type, Destination = destination, Attributes = pairs };
    }

    /// <summary>The type and the destination; never the attributes.</summary>
    public override string ToString() => Destination is null ? Type : $"{Type} to '{Destination}'";
}
