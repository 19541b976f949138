using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Definitions of builds: Compose files, bake files, data files.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: the directory.</summary>
    public static readonly ErrorEntry DefinitionNotFound = new(
        "DefinitionNotFound",
        ErrorCategory.ObjectNotFound,
        "'{0}' has no build definition: no compose.yaml, docker-compose.yml, docker-bake.hcl or docker-bake.json.",
        "Use -Path to name the file.");

    /// <summary>0: file, line and explanation.</summary>
    public static readonly ErrorEntry InvalidDefinition = new(
        "InvalidDefinition",
        ErrorCategory.ParserError,
        "{0}",
        "Correct the definition, or the value of -Variable or -Set that the message names.");

    /// <summary>0: explanation.</summary>
    public static readonly ErrorEntry DefinitionTargetNotFound = new(
        "DefinitionTargetNotFound",
        ErrorCategory.ObjectNotFound,
        "The build definition has no such target: {0}",
        "Use -Target with the name or pattern of a target, group or service; tab completion lists the names.");

    /// <summary>0: target, 1: what it asks for.</summary>
    public static readonly ErrorEntry DefinitionNotAllowed = new(
        "DefinitionNotAllowed",
        ErrorCategory.PermissionDenied,
        "The definition of '{0}' asks for privileges that were not granted: {1}.",
        "Grant them with -Allow, as in -Allow '{1}', or use -Force to grant everything that the definition asks for.");

    /// <summary>0: the address, 1: why.</summary>
    public static readonly ErrorEntry DefinitionNotFetched = new(
        "DefinitionNotFetched",
        ErrorCategory.ReadError,
        "The engine cannot read the build definition at '{0}': {1}",
        "Check the address and that the engine can reach it. Credentials for git are taken from BUILDX_BAKE_GIT_AUTH_TOKEN, BUILDX_BAKE_GIT_AUTH_HEADER and BUILDX_BAKE_GIT_SSH.");

    /// <summary>0: the address.</summary>
    public static readonly ErrorEntry DefinitionAddressNotFirst = new(
        "DefinitionAddressNotFirst",
        ErrorCategory.InvalidArgument,
        "'{0}' is an address, and only the first value of -Path can be one.",
        "Name the address first, then files in it, then local files with the prefix cwd://.");
}
