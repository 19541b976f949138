using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>The cache and the history of an engine.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: engine.</summary>
    public static readonly ErrorEntry NoBuildHistory = new(
        "NoBuildHistory",
        ErrorCategory.NotImplemented,
        "The engine {0} does not keep a build history.",
        "Use BuildKit 0.11 or later, or Docker Engine 23.0 or later.");

    /// <summary>0: reference, 1: engine.</summary>
    public static readonly ErrorEntry BuildNotFound = new(
        "BuildNotFound",
        ErrorCategory.ObjectNotFound,
        "The build history of {1} has no build '{0}', or several builds whose id starts with it.",
        "Use Get-BuildHistory to list the builds. An engine removes the oldest builds from its history.");

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
        "The build '{0}' is still running.",
        "Wait until the build has ended (Get-BuildLog -Wait).");

    /// <summary>0: type, 1: the types.</summary>
    public static readonly ErrorEntry InvalidCacheType = new(
        "InvalidCacheType",
        ErrorCategory.InvalidArgument,
        "Invalid type '{0}' of a cache record.",
        "Use one of these types: {1}.");

    /// <summary>0: what it lacks.</summary>
    public static readonly ErrorEntry CacheLimitNotSupported = new(
        "CacheLimitNotSupported",
        ErrorCategory.NotImplemented,
        "{0} Nothing was cleared.",
        "Use -KeepStorage or -MaxUsedSpace instead, which every engine supports.");
}
