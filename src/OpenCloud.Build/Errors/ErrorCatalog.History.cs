using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>The cache and the history of an engine.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: engine.</summary>
    public static readonly ErrorEntry NoBuildHistory = new(
        "NoBuildHistory",
        ErrorCategory.NotImplemented,
        "The engine {0} keeps no history of builds.",
        "Use BuildKit 0.11 or newer, or a Docker Engine of 23.0 or newer.");

    /// <summary>0: reference, 1: engine.</summary>
    public static readonly ErrorEntry BuildNotFound = new(
        "BuildNotFound",
        ErrorCategory.ObjectNotFound,
        "The history of {1} has no build '{0}', or several that begin so.",
        "Get-BuildHistory lists the builds; an engine forgets the oldest ones.");

    /// <summary>0: reference of the build, 1: number or name.</summary>
    public static readonly ErrorEntry StepNotFound = new(
        "StepNotFound",
        ErrorCategory.ObjectNotFound,
        "The log of the build '{0}' has no step '{1}'.",
        "Get-BuildLog without -Step lists the numbers and names; a name may have wildcards.");

    /// <summary>0: reference.</summary>
    public static readonly ErrorEntry BuildIsRunning = new(
        "BuildIsRunning",
        ErrorCategory.ResourceBusy,
        "The build '{0}' still runs.",
        "Wait until it has ended (Get-BuildLog -Wait).");

    /// <summary>0: what it lacks.</summary>
    public static readonly ErrorEntry CacheLimitNotSupported = new(
        "CacheLimitNotSupported",
        ErrorCategory.NotImplemented,
        "{0} Nothing was cleared.",
        "Limit the cache with -KeepStorage or -MaxUsedSpace instead, which every engine understands.");
}
