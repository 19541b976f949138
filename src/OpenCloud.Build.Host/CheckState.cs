namespace OpenCloud.Build.Host;

/// <summary>The result of a check.</summary>
public enum CheckState
{
    /// <summary>No problem.</summary>
    Ok,

    /// <summary>Noteworthy, but it prevents nothing.</summary>
    Warning,

    /// <summary>The problem, or a part of it.</summary>
    Failed,

    /// <summary>The check could not be made, or does not apply here.</summary>
    Unknown,
}
