namespace OpenCloud.Build.Screen;

/// <summary>How the builds of one command report their progress.</summary>
/// <param name="Kind">The kind of display.</param>
/// <param name="Theme">Characters and colors of what stays on the screen.</param>
/// <param name="HasSeveral">True when builds run side by side, so that lines need the names of their builds.</param>
internal sealed record BuildReporting(DisplayKind Kind, ScreenTheme Theme, bool HasSeveral)
{
    public static BuildReporting None { get; } = new(DisplayKind.None, new ScreenTheme(false, false), false);

    /// <summary>The log; null for none.</summary>
    public IBuildLog? Log { get; } = Kind switch
    {
        DisplayKind.Information or DisplayKind.Plain => new PlainBuildLog(WorkflowCommands.AreRead),
        DisplayKind.GitHub => new GroupedBuildLog(isAzure: false),
        DisplayKind.AzurePipelines => new GroupedBuildLog(isAzure: true),
        _ => null,
    };

    /// <summary>Whether lines are shown whatever the preference for information.</summary>
    public bool IsShown => Kind != DisplayKind.Information;

    /// <summary>The name of a build in the log; null when there is only one.</summary>
    public string? NameOf(string build) => HasSeveral ? build : null;
}
