using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Build options that are rejected before anything is changed or sent.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: parameter, 1: value, 2: explanation.</summary>
    public static readonly ErrorEntry InvalidOption = new(
        "InvalidOption",
        ErrorCategory.InvalidArgument,
        "-{0} cannot be '{1}': {2}",
        "See the examples of 'Get-Help Invoke-ImageBuild -Parameter {0}'.");

    /// <summary>0: the context, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidContext = new(
        "InvalidContext",
        ErrorCategory.InvalidArgument,
        "{1}",
        "Give a directory, a tar archive, oci-layout://directory:tag, docker-image://reference, or the address of a git repository or archive.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry ResultFileNotWritable = new(
        "ResultFileNotWritable",
        ErrorCategory.WriteError,
        "'{0}' cannot be written: {1}",
        "Give a file in a directory that exists and that you may write to.");
}
