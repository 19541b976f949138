using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Changing and inspecting this machine. Argument 0 is what happened and the state of the changes made, 1 what to do about it.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry HostInputInvalid = new("HostInputInvalid", ErrorCategory.InvalidArgument, "{0}", "{1}.");

    public static readonly ErrorEntry HostNeedsRoot = new("HostNeedsRoot", ErrorCategory.PermissionDenied, "{0}", "{1}.");

    public static readonly ErrorEntry HostTargetNotFound = new("HostTargetNotFound", ErrorCategory.ObjectNotFound, "{0}", "{1}.");

    public static readonly ErrorEntry HostUnsupported = new("HostUnsupported", ErrorCategory.NotInstalled, "{0}", "{1}.");

    /// <summary>0: the conflict, with the difference when it is a file, 1: what to do.</summary>
    public static readonly ErrorEntry HostConflict = new("HostConflict", ErrorCategory.ResourceExists, "{0}", "{1}.");

    /// <summary>0: what is wrong with the archive, 1: what to do.</summary>
    public static readonly ErrorEntry ReleaseNotTrusted = new("ReleaseNotTrusted", ErrorCategory.SecurityError, "{0}", "{1}.");

    public static readonly ErrorEntry ReleaseNotFetched = new("ReleaseNotFetched", ErrorCategory.ConnectionError, "{0}", "{1}.");

    public static readonly ErrorEntry HostDiskFull = new("HostDiskFull", ErrorCategory.LimitsExceeded, "{0}", "{1}.");

    /// <summary>0: the command and its last words, 1: what to do.</summary>
    public static readonly ErrorEntry HostCommandFailed = new("HostCommandFailed", ErrorCategory.InvalidResult, "{0}", "{1}.");

    /// <summary>0: the unit and its last words, 1: what to do.</summary>
    public static readonly ErrorEntry EngineSilent = new("EngineSilent", ErrorCategory.OperationTimeout, "{0}", "{1}.");

    /// <summary>0: what prevents an engine without root, 1: what to do.</summary>
    public static readonly ErrorEntry RootlessBlocked = new("RootlessBlocked", ErrorCategory.NotEnabled, "{0}", "{1}.");

    public static readonly ErrorEntry HostBusy = new("HostBusy", ErrorCategory.ResourceBusy, "{0}", "{1}.");
}
