using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Outputs, caches, secrets, SSH agents and registries of a build.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: parameter, 1: explanation, without values that may be secret.</summary>
    public static readonly ErrorEntry InvalidBuildOption = new(
        "InvalidBuildOption",
        ErrorCategory.InvalidArgument,
        "Invalid value of -{0}: {1}",
        "See 'Get-Help Invoke-ImageBuild -Parameter {0}'.");

    /// <summary>0: explanation, 1: engine.</summary>
    public static readonly ErrorEntry BuildRefused = new(
        "BuildRefused",
        ErrorCategory.InvalidArgument,
        "The build was not started: {0}",
        "Correct what the message names and build again. Nothing was sent to {1}.");

    /// <summary>0: what failed and where, 1: engine, 2: id of the secret.</summary>
    public static readonly ErrorEntry SecretMissing = new(
        "SecretMissing",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Use -Secret id={2},src=FILE, -Secret id={2},env=VARIABLE, or -Secret @{{ '{2}' = $secureString }}.");

    /// <summary>0: explanation, 1: engine.</summary>
    public static readonly ErrorEntry OutputNotWritten = new(
        "OutputNotWritten",
        ErrorCategory.WriteError,
        "The output of the build was not written: {0}",
        "Check the permissions and the free disk space of the destination. The image may have been built on {1}.");
}
