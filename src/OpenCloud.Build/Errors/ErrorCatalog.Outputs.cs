using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Outputs, caches, secrets, SSH agents and registries of a build.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: parameter, 1: explanation, without values that may be secret.</summary>
    public static readonly ErrorEntry InvalidBuildOption = new(
        "InvalidBuildOption",
        ErrorCategory.InvalidArgument,
        "The value of -{0} cannot be used: {1}",
        "See the examples of Get-Help Invoke-ImageBuild -Parameter {0}.");

    /// <summary>0: explanation, 1: engine.</summary>
    public static readonly ErrorEntry BuildRefused = new(
        "BuildRefused",
        ErrorCategory.InvalidArgument,
        "The build was not begun: {0}",
        "Nothing was sent to {1}; change what the message names and build again.");

    /// <summary>0: explanation, 1: engine.</summary>
    public static readonly ErrorEntry OutputNotWritten = new(
        "OutputNotWritten",
        ErrorCategory.WriteError,
        "What the build gives could not be taken to its place: {0}",
        "Check the place's permissions and room; the image itself may have been built on {1}.");
}
