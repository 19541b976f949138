namespace OpenCloud.Build.Screen;

/// <summary>How a build reports its progress.</summary>
public enum BuildProgressMode
{
    /// <summary>A display on a terminal; otherwise a log in the information stream.</summary>
    Auto,

    /// <summary>A log, line by line, always shown.</summary>
    Plain,

    /// <summary>No progress.</summary>
    Quiet,
}
