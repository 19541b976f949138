using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Engines as containers. Argument 0 is what happened, in one or more sentences.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry BuildKitContainerNameInvalid = new(
        "BuildKitContainerNameInvalid",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Use a name such as buildkitd or engine-1 for -Name, -Network and -CacheVolume.");

    public static readonly ErrorEntry BuildKitContainerNotFound = new(
        "BuildKitContainerNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "List the containers with Get-BuildKitContainer, and check -Address; New-BuildKitContainer creates one.");

    public static readonly ErrorEntry BuildKitContainerForeign = new(
        "BuildKitContainerForeign",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Use another name with -Name, or another volume with -CacheVolume. This module changes only containers and volumes that it made; remove others with the docker command or with ctr.");

    public static readonly ErrorEntry BuildKitContainerDifferent = new(
        "BuildKitContainerDifferent",
        ErrorCategory.ResourceExists,
        "{0}",
        "Use Update-BuildKitContainer to replace the container and keep its cache, or another name with -Name.");

    public static readonly ErrorEntry BuildKitContainerNetworkNotFound = new(
        "BuildKitContainerNetworkNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Use none or host with -Network, or a network that 'docker network ls' lists; containerd has no other networks.");

    public static readonly ErrorEntry BuildKitContainerImageUnusable = new(
        "BuildKitContainerImageUnusable",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Use -Image with an image of the Docker Engine, of containerd or of a registry, or -ImagePath with an archive or an OCI layout that has one image.");

    public static readonly ErrorEntry BuildKitContainerUnsupported = new(
        "BuildKitContainerUnsupported",
        ErrorCategory.NotImplemented,
        "{0}",
        "Use the address of a Docker Engine, such as docker:// or docker+ssh://HOST, or of containerd on this machine, such as unix:///run/containerd/containerd.sock.");

    public static readonly ErrorEntry BuildKitContainerUnreachable = new(
        "BuildKitContainerUnreachable",
        ErrorCategory.ConnectionError,
        "{0}",
        "Install the docker command, and let it connect to the Docker Engine: set $env:DOCKER_HOST, or create a context with 'docker context create' and use -Address docker-context://NAME.");

    public static readonly ErrorEntry BuildKitContainerNotReady = new(
        "BuildKitContainerNotReady",
        ErrorCategory.OperationTimeout,
        "{0}",
        "Check that the image is one of BuildKit, with buildkitd as its entry point, and for a Docker Engine with buildctl on its PATH. For an engine that starts slowly, use a longer -Timeout.");

    public static readonly ErrorEntry BuildKitContainerNotUndone = new(
        "BuildKitContainerNotUndone",
        ErrorCategory.InvalidResult,
        "{0}",
        "Correct the cause and run the command again, which continues, or remove what is left with Remove-BuildKitContainer.");

    public static readonly ErrorEntry BuildKitContainerRefused = new(
        "BuildKitContainerRefused",
        ErrorCategory.InvalidOperation,
        "{0}",
        "Correct what the Docker Engine or containerd reports. 'docker ps --all' and 'docker volume ls', or 'ctr container ls', list what exists there.");

    public static readonly ErrorEntry BuildKitContainerFolderUnusable = new(
        "BuildKitContainerFolderUnusable",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Run the command as root. The folder and all folders above it must belong to root and be closed to the writes of other users.");
}
