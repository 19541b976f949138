using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Build options that are rejected before anything is changed or sent.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: parameter, 1: value, 2: explanation.</summary>
    public static readonly ErrorEntry InvalidOption = new(
        "InvalidOption",
        ErrorCategory.InvalidArgument,
        "Invalid value '{1}' of -{0}: {2}",
        "See 'Get-Help Invoke-ImageBuild -Parameter {0}'.");

    /// <summary>0: the context, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidContext = new(
        "InvalidContext",
        ErrorCategory.InvalidArgument,
        "{1}",
        "Use a directory, a tar archive, oci-layout://directory:tag, docker-image://reference, or the URL of a git repository or an archive.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry ResultFileNotWritable = new(
        "ResultFileNotWritable",
        ErrorCategory.WriteError,
        "'{0}' cannot be written: {1}",
        "Use a file in an existing directory that you can write to.");
}
