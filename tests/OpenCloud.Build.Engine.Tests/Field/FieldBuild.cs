using OpenCloud.Build.Client.Failures;

namespace OpenCloud.Build.Engine.Tests.Field;

/// <summary>A build of a report, and its right outcome. <c>$CONTEXT</c> in a value stands for the context's folder.</summary>
public sealed record FieldBuild
{
    /// <summary>Whether the context has a static busybox, as <c>busybox</c>.</summary>
    public bool Busybox { get; init; }

    /// <summary>The folder of the context that is built; the context itself by default.</summary>
    public string Folder { get; init; } = "";

    /// <summary>Values of ARG.</summary>
    public IReadOnlyDictionary<string, string> Arguments { get; init; } = new Dictionary<string, string>();

    /// <summary>Named contexts.</summary>
    public IReadOnlyDictionary<string, string> Named { get; init; } = new Dictionary<string, string>();

    /// <summary>Hosts, each as <c>name:address</c>.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>The platforms.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>Tags; with one, an image is an output beside the files.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Whether the tags are pushed.</summary>
    public bool Push { get; init; }

    /// <summary>Caches that are exported, as <c>type=…,…</c>.</summary>
    public IReadOnlyList<string> CacheTo { get; init; } = [];

    /// <summary>Attestations: <c>provenance</c> or <c>sbom</c>, each with its attributes.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Attest { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>What docker's config.json holds; a file of its own, which is no part of the context.</summary>
    public System.Text.Json.JsonElement? DockerConfig { get; init; }

    /// <summary>Whether a tree that changes lets the build fail.</summary>
    public bool Strict { get; init; }

    /// <summary>What happens to the context meanwhile.</summary>
    public FieldChange? Meanwhile { get; init; }

    /// <summary>How often it is built, each time with the same right outcome.</summary>
    public int Times { get; init; } = 1;

    /// <summary>What the build gives; null when it fails.</summary>
    public FieldResult? Gives { get; init; }

    /// <summary>How the build fails; null when it does not.</summary>
    public FieldFailure? Fails { get; init; }

    /// <summary>Why buildctl is not asked; null when it has to give the same files, or to fail as well.</summary>
    public string? WithoutPeer { get; init; }
}

/// <summary>Something that changes a context while it is sent.</summary>
public sealed record FieldChange
{
    /// <summary>Files are made in a folder and go away again, without end.</summary>
    public string? Churn { get; init; }

    /// <summary>A file grows and is cut down to nothing, without end.</summary>
    public string? Truncate { get; init; }

    /// <summary>Whole folders are made in a folder and go away again.</summary>
    public string? Folders { get; init; }
}

/// <summary>What a build gives.</summary>
public sealed record FieldResult
{
    /// <summary>Files of the result by their paths: a text means all of it.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    /// <summary>Parts of files.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Parts { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Paths that are not there.</summary>
    public IReadOnlyList<string> Absent { get; init; } = [];

    /// <summary>Modes in octal digits, set-id and sticky bits included.</summary>
    public IReadOnlyDictionary<string, string> Modes { get; init; } = new Dictionary<string, string>();

    /// <summary>Sizes of files in bytes.</summary>
    public IReadOnlyDictionary<string, long> Sizes { get; init; } = new Dictionary<string, long>();

    /// <summary>Times of change, in seconds since 1970.</summary>
    public IReadOnlyDictionary<string, long> Times { get; init; } = new Dictionary<string, long>();

    /// <summary>The most bytes that files take on the disk.</summary>
    public IReadOnlyDictionary<string, long> Allocated { get; init; } = new Dictionary<string, long>();

    /// <summary>Parts of warnings; each is in one.</summary>
    public IReadOnlyList<string> Warns { get; init; } = [];

    /// <summary>How many regular files there are.</summary>
    public int? Count { get; init; }
}

/// <summary>How a build fails.</summary>
public sealed record FieldFailure
{
    /// <summary>The kind; null when the input is refused before there is a build.</summary>
    public BuildFailureKind? Kind { get; init; }

    /// <summary>Parts of the message or the hint.</summary>
    public IReadOnlyList<string> Says { get; init; } = [];

    /// <summary>The line of the Dockerfile.</summary>
    public int? Line { get; init; }

    /// <summary>The most characters of the message and of each line of the excerpt.</summary>
    public int Longest { get; init; } = 2000;
}
