namespace OpenCloud.Build.Bench;

/// <summary>What of a context has changed since the client built it last.</summary>
internal enum ContextState
{
    /// <summary>The engine has nothing: its cache was emptied.</summary>
    Cold,

    /// <summary>Nothing has changed.</summary>
    Warm,

    /// <summary>One file has new content of the same length.</summary>
    OneChanged,
}

/// <summary>One row of the results.</summary>
/// <param name="Name">As <c>--case</c> takes it.</param>
/// <param name="Title">As the results call it.</param>
/// <param name="Context">The context that is built.</param>
/// <param name="State">What of it has changed.</param>
internal sealed record BenchCase(string Name, string Title, ContextKind Context, ContextState State)
{
    /// <summary>All cases, in the order in which they are measured.</summary>
    public static IReadOnlyList<BenchCase> All { get; } =
    [
        new("tiny-warm", "one tiny file, nothing changed", ContextKind.Tiny, ContextState.Warm),
        new("files20000-cold", "20,000 × 4 KiB, cold", ContextKind.ManyFiles, ContextState.Cold),
        new("files20000-warm", "20,000 × 4 KiB, nothing changed", ContextKind.ManyFiles, ContextState.Warm),
        new("files20000-changed", "20,000 × 4 KiB, one file changed", ContextKind.ManyFiles, ContextState.OneChanged),
        new("gib-cold", "one file of 1 GiB, cold", ContextKind.OneLargeFile, ContextState.Cold),
        new("gib-warm", "one file of 1 GiB, nothing changed", ContextKind.OneLargeFile, ContextState.Warm),
        new("graph20-cold", "20 targets of a bake file on 20,000 × 4 KiB and one base, cold", ContextKind.Graph, ContextState.Cold),
        new("graph20-warm", "20 targets of a bake file on 20,000 × 4 KiB and one base, nothing changed", ContextKind.Graph, ContextState.Warm),
        new("images5000", "5,000 images listed", ContextKind.Images, ContextState.Warm),
    ];
}
