namespace OpenCloud.Build.Host.Prechecks;

/// <summary>
/// The user and the paths for which a rootless engine is checked. Uid is null until the user is created, Prefix when it is unknown, and
/// RootlessKit for the one on the system's path. BringsRootlessKit: the installation brings it in an archive.
/// </summary>
internal sealed record PrecheckSubject(string Name, uint? Uid, string Home, string State, string? Prefix = null, string? RootlessKit = null, bool BringsRootlessKit = false);
