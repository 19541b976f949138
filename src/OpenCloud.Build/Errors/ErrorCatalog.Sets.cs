using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Definitions that are built together.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: the names on the cycle.</summary>
    public static readonly ErrorEntry BuildCycle = new(
        "BuildCycle",
        ErrorCategory.InvalidData,
        "These builds use each other's results in a circle: {0}. None of the definitions was built.",
        "Change the contexts of one of them, so that an order exists.");

    /// <summary>0: name.</summary>
    public static readonly ErrorEntry DuplicateBuildName = new(
        "DuplicateBuildName",
        ErrorCategory.InvalidData,
        "Several definitions have the name '{0}', which another definition or the metadata file refers to. None of the definitions was built.",
        "Build them with separate commands, or give each a name of its own.");

    /// <summary>0: build, 1: name of the missing one.</summary>
    public static readonly ErrorEntry LinkedBuildNotFound = new(
        "LinkedBuildNotFound",
        ErrorCategory.ObjectNotFound,
        "A build context of '{0}' is the result of the build '{1}', which is not among the piped definitions for the same engine.",
        "Pipe all definitions that it depends on from Get-BuildDefinition, or use -BuildContext with an image or a directory instead of 'target:{1}'.");

    /// <summary>0: build, 1: the build that it depends on, 2: what happened to that.</summary>
    public static readonly ErrorEntry DependencyNotBuilt = new(
        "DependencyNotBuilt",
        ErrorCategory.OperationStopped,
        "'{0}' was not built, because '{1}', whose result it uses, {2}.",
        "Correct the error of '{1}' and build again.");
}
