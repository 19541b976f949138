using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Engine.Tests.Field;

/// <summary>Texts that the library reads without an engine, with the right values.</summary>
public sealed record FieldTexts
{
    /// <summary>Contexts, and what each is.</summary>
    public IReadOnlyDictionary<string, ContextKind> Contexts { get; init; } = new Dictionary<string, ContextKind>();

    /// <summary>Dockerfiles that are let through to the engine.</summary>
    public IReadOnlyList<string> Passes { get; init; } = [];

    /// <summary>Dockerfiles that are refused.</summary>
    public IReadOnlyList<FieldRefusal> Refuses { get; init; } = [];

    /// <summary>First lines of Dockerfiles, and the frontend that each names; null for none.</summary>
    public IReadOnlyDictionary<string, string?> Syntax { get; init; } = new Dictionary<string, string?>();

    /// <summary>Dockerfiles, and the images that they name.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Images { get; init; } = new Dictionary<string, IReadOnlyList<string>>();
}

/// <summary>A Dockerfile that is refused, and where.</summary>
public sealed record FieldRefusal(string Dockerfile, int Line, string Says);
