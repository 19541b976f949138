namespace OpenCloud.Build.Screen;

internal enum DisplayKind
{
    None,

    /// <summary>PowerShell's progress bars, for hosts with a window of their own.</summary>
    Bars,

    Screen,

    /// <summary>The log in the information stream, which shows it according to the preference.</summary>
    Information,

    /// <summary>The log in the information stream, shown as by Write-Host.</summary>
    Plain,

    GitHub,

    AzurePipelines,
}

internal sealed record DisplayChoice
{
    private const string Console = "ConsoleHost";

    /// <summary>The PowerShell hosts of jobs, remote sessions and runspaces without a host.</summary>
    private static readonly string[] Unattended = ["ServerRemoteHost", "Default Host"];

    public BuildProgressMode? Asked { get; init; }

    public string Host { get; init; } = Console;

    /// <summary>False in runspaces beside the console's own, such as those of ForEach-Object -Parallel.</summary>
    public bool IsMainRunspace { get; init; } = true;

    /// <summary>True when the output goes to a terminal that understands control sequences.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>True when $PSStyle.OutputRendering removes control sequences.</summary>
    public bool IsPlainText { get; init; }

    /// <summary>True when verbose lines, which include the log, are shown.</summary>
    public bool IsVerbose { get; init; }

    /// <summary>True when $ProgressPreference turns progress off.</summary>
    public bool IsProgressOff { get; init; }

    public Func<string, string?> Environment { get; init; } = static _ => null;

    public DisplayKind Choose() => Asked switch
    {
        BuildProgressMode.Quiet => DisplayKind.None,
        BuildProgressMode.Plain => Log(),
        BuildProgressMode.Auto => Auto(),
        _ when Unattended.Contains(Host) => DisplayKind.None,
        _ => Environment("BUILDKIT_PROGRESS")?.Trim().ToLowerInvariant() switch
        {
            "plain" => Log(),
            "quiet" or "none" => DisplayKind.None,
            _ => Auto(),
        },
    };

    private DisplayKind Auto()
    {
        if (Unattended.Contains(Host))
        {
            return DisplayKind.None;
        }

        if (Host != Console)
        {
            return DisplayKind.Bars;
        }

        if (!IsMainRunspace)
        {
            return DisplayKind.None;
        }

        if (WorkflowCommands.ReaderIn(Environment) != DisplayKind.None)
        {
            return Log();
        }

        if (!IsTerminal)
        {
            return WorkflowCommands.IsTrue(Environment("CI")) && !IsVerbose ? DisplayKind.Plain : DisplayKind.Information;
        }

        return IsVerbose || IsProgressOff ? DisplayKind.None
            : IsPlainText || Environment("TERM") == "dumb" ? DisplayKind.Plain
            : DisplayKind.Screen;
    }

    private DisplayKind Log() => Host == Console && WorkflowCommands.ReaderIn(Environment) is not DisplayKind.None and DisplayKind reader ? reader : DisplayKind.Plain;
}
