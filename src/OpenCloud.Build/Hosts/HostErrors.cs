using OpenCloud.Build.Errors;
using OpenCloud.Build.Host;

namespace OpenCloud.Build.Hosts;

/// <summary>Converts errors of the Host library to errors of the catalog.</summary>
internal static class HostErrors
{
    /// <remarks><c>asRoot</c> returns the command line that does the same as root; null when there is none.</remarks>
    public static BuildErrorException From(HostException failure, Func<string>? asRoot = null)
    {
        (ErrorEntry entry, string otherwise) = failure.Kind switch
        {
            HostErrorKind.InvalidInput => (ErrorCatalog.HostInputInvalid, "Correct the value and run the command again"),
            HostErrorKind.NotRoot => (ErrorCatalog.HostNeedsRoot, "Run the command as root"),
            HostErrorKind.NotFound => (ErrorCatalog.HostTargetNotFound, "Check the name"),
            HostErrorKind.Unsupported => (ErrorCatalog.HostUnsupported, "Use another host"),
            HostErrorKind.Conflict => (ErrorCatalog.HostConflict, "Remove what is in the way and run the command again"),
            HostErrorKind.Integrity => (ErrorCatalog.ReleaseNotTrusted, "Download the archive again from the project's release page"),
            HostErrorKind.Download => (ErrorCatalog.ReleaseNotFetched, "Try again, or use a mirror (-Uri) or a file (-ArchivePath)"),
            HostErrorKind.DiskFull => (ErrorCatalog.HostDiskFull, "Free disk space and run the command again"),
            HostErrorKind.CommandFailed => (ErrorCatalog.HostCommandFailed, "Fix the cause that the program reports and run the command again"),
            HostErrorKind.EngineSilent => (ErrorCatalog.EngineSilent, "See 'journalctl -u buildkit'"),
            HostErrorKind.RootlessBlocked => (ErrorCatalog.RootlessBlocked, "See Test-BuildKitSocket -Rootless -Detailed"),
            HostErrorKind.Busy => (ErrorCatalog.HostBusy, "Wait for the other process to end and run the command again"),
            _ => (ErrorCatalog.Unexpected, string.Empty),
        };
        string message = failure.Aftermath is null ? failure.Message : $"{failure.Message}\n{failure.Aftermath}";
        string action = failure.Kind == HostErrorKind.NotRoot && asRoot is not null ? $"Run as root: {asRoot()}" : (failure.Remedy ?? otherwise).TrimEnd('.');
        return entry.ToException(failure.Target, failure, message, action);
    }
}
