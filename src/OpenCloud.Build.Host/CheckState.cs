namespace OpenCloud.Build.Host;

/// <summary>The result of a check.</summary>
public enum CheckState
{
    /// <summary>It is as it should be.</summary>
    Ok,

    /// <summary>Worth knowing, but it prevents nothing.</summary>
    Warning,

    /// <summary>This is the problem, or a part of it.</summary>
    Failed,

    /// <summary>The check could not be made, or does not apply here.</summary>
    Unknown,
}
