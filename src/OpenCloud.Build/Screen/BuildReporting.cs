namespace OpenCloud.Build.Screen;

/// <summary>How the builds of one command report their progress. With several builds, lines carry the name of their build.</summary>
internal sealed record BuildReporting(DisplayKind Kind, ScreenTheme Theme, bool HasSeveral)
{
    public static BuildReporting None { get; } = new(DisplayKind.None, new ScreenTheme(false, false), false);

    public IBuildLog? Log { get; } = Kind switch
    {
        DisplayKind.Information or DisplayKind.Plain => new PlainBuildLog(WorkflowCommands.AreRead),
        DisplayKind.GitHub => new GroupedBuildLog(isAzure: false),
        DisplayKind.AzurePipelines => new GroupedBuildLog(isAzure: true),
        _ => null,
    };

    /// <summary>Whether lines are shown regardless of the preference for information.</summary>
    public bool IsShown => Kind != DisplayKind.Information;

    public string? NameOf(string build) => HasSeveral ? build : null;
}
