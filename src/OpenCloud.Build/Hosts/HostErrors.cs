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
            HostErrorKind.InvalidInput => (ErrorCatalog.HostInputInvalid, "Correct it and run it again"),
            HostErrorKind.NotRoot => (ErrorCatalog.HostNeedsRoot, "Run it as root"),
            HostErrorKind.NotFound => (ErrorCatalog.HostTargetNotFound, "Check the name"),
            HostErrorKind.Unsupported => (ErrorCatalog.HostUnsupported, "Use another host"),
            HostErrorKind.Conflict => (ErrorCatalog.HostConflict, "Move what is in the way and run it again"),
            HostErrorKind.Integrity => (ErrorCatalog.ReleaseNotTrusted, "Fetch the archive again from the project's release page"),
            HostErrorKind.Download => (ErrorCatalog.ReleaseNotFetched, "Try again, or use a mirror (-Uri) or a file (-ArchivePath)"),
            HostErrorKind.DiskFull => (ErrorCatalog.HostDiskFull, "Make room and run it again"),
            HostErrorKind.CommandFailed => (ErrorCatalog.HostCommandFailed, "See what the command says and run it again"),
            HostErrorKind.EngineSilent => (ErrorCatalog.EngineSilent, "See 'journalctl -u buildkit'"),
            HostErrorKind.RootlessBlocked => (ErrorCatalog.RootlessBlocked, "See Test-BuildKitSocket -Rootless -Detailed"),
            HostErrorKind.Busy => (ErrorCatalog.HostBusy, "Run it again once the other run has ended"),
            _ => (ErrorCatalog.Unexpected, string.Empty),
        };
        string message = failure.Aftermath is null ? failure.Message : $"{failure.Message}\n{failure.Aftermath}";
        string action = failure.Kind == HostErrorKind.NotRoot && asRoot is not null ? $"Run it as root: {asRoot()}" : (failure.Remedy ?? otherwise).TrimEnd('.');
        return entry.ToException(failure.Target, failure, message, action);
    }
}
