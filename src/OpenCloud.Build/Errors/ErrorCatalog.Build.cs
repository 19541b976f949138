using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Failed builds. Argument 0 is always what failed and where, 1 the engine. Lines of the Dockerfile and the log are in the excerpt.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry BuildStepFailed = new(
        "BuildStepFailed",
        ErrorCategory.InvalidResult,
        "{0}",
        "Fix the command in the Dockerfile. To see the whole output of the step, use -Verbose or -LogPath.");

    public static readonly ErrorEntry DockerfileRejected = new(
        "DockerfileRejected",
        ErrorCategory.ParserError,
        "{0}",
        "Fix the Dockerfile at the line shown.");

    public static readonly ErrorEntry TargetRejected = new(
        "TargetRejected",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Set -Target to a stage name: the name after AS in a FROM line. Get-DockerfileTarget lists them.");

    public static readonly ErrorEntry FileNotInContext = new(
        "FileNotInContext",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check that the file exists and that no rule of the ignore file excludes it. Paths in COPY and ADD are relative to the context directory.");

    public static readonly ErrorEntry BaseImageUnavailable = new(
        "BaseImageUnavailable",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Check the image name after FROM, that the engine {1} has access to the registry, and that you are allowed to pull from it. To build without a registry, use an OCI layout: -BuildContext @{{ NAME = 'oci-layout://PATH' }}.");

    public static readonly ErrorEntry FrontendUnavailable = new(
        "FrontendUnavailable",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Check the image in the '# syntax=' line or in BUILDKIT_SYNTAX, and that the engine {1} has access to its registry. Without the line, the engine uses its built-in frontend.");

    public static readonly ErrorEntry ScannerUnavailable = new(
        "ScannerUnavailable",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Set -Sbom to the image of a scanner that the engine {1} can pull, or build without -Sbom.");

    public static readonly ErrorEntry PushFailed = new(
        "PushFailed",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "The image was built but not pushed. Check the registry in the tag, that the engine {1} has access to it, and that you are allowed to push to it (Connect-ContainerRegistry, or -RegistryCredential).");

    public static readonly ErrorEntry CacheNotExported = new(
        "CacheNotExported",
        ErrorCategory.WriteError,
        "{0}",
        "The image was built. Check the destination in -CacheTo and that the engine {1} is allowed to write to it. With ignore-error=true, a failed cache export does not fail the build.");

    public static readonly ErrorEntry CredentialsNotFound = new(
        "CredentialsNotFound",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Fix the credential helper or the config.json that the message names, log in again, or use -RegistryCredential. The engine {1} received no credentials.");

    public static readonly ErrorEntry ContextNotSent = new(
        "ContextNotSent",
        ErrorCategory.ReadError,
        "{0}",
        "Make every file of the context directory readable and do not change it during the build, or exclude it with a rule in .dockerignore.");

    public static readonly ErrorEntry SourceUnavailable = new(
        "SourceUnavailable",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Check the address, and that the machine of the engine {1} has access to it: the engine fetches it, not this machine. For a server behind a proxy, set the proxy variables of the engine.");

    public static readonly ErrorEntry SourceNotFound = new(
        "SourceNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the address, and the branch, tag, commit and directory after '#' (URL#BRANCH:DIRECTORY). Some servers answer the same for a private repository without credentials: use -Secret or -Ssh.");

    public static readonly ErrorEntry SourceDenied = new(
        "SourceDenied",
        ErrorCategory.AuthenticationError,
        "{0}",
        "For git over HTTPS, use -Secret @{{ GIT_AUTH_TOKEN = 'env:TOKEN' }}. For git over SSH, use -Ssh default. For a file, download it first and build from the file.");

    public static readonly ErrorEntry SourceChanged = new(
        "SourceChanged",
        ErrorCategory.InvalidData,
        "{0}",
        "Check that the source is the one you want. Then correct the checksum in the Dockerfile or in the address.");

    public static readonly ErrorEntry NotSupportedByEngine = new(
        "NotSupportedByEngine",
        ErrorCategory.NotImplemented,
        "{0}",
        "Use a newer engine, or build without this feature; the engine {1} does not support it.");

    public static readonly ErrorEntry NotAllowedByEngine = new(
        "NotAllowedByEngine",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Allow the entitlement in buildkitd.toml of the engine {1} (insecure-entitlements), or build without it.");

    public static readonly ErrorEntry EngineLost = new(
        "EngineLost",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the log of the engine {1}: it stopped or was restarted during the build. Then build again.");

    public static readonly ErrorEntry EngineDiskFull = new(
        "EngineDiskFull",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Free disk space on the machine of the engine {1}. Clear-BuildCache removes records of the build cache.");

    public static readonly ErrorEntry BuildTimedOut = new(
        "BuildTimedOut",
        ErrorCategory.OperationTimeout,
        "{0}",
        "Increase -Timeout, or use -Verbose or -LogPath to see which step is slow. The engine {1} keeps the results of completed steps in its cache.");

    public static readonly ErrorEntry BuildFailed = new(
        "BuildFailed",
        ErrorCategory.InvalidResult,
        "{0}",
        "To see the whole build log, use -Verbose or -LogPath. The log of the engine {1} may contain more.");
}
