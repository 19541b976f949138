using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Failed builds. Argument 0 is always what failed and where, 1 the engine. Lines of the Dockerfile and the log are in the excerpt.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry BuildStepFailed = new(
        "BuildStepFailed",
        ErrorCategory.InvalidResult,
        "{0}",
        "Mend the command in the Dockerfile; -Verbose or -LogPath has everything that it wrote.");

    public static readonly ErrorEntry DockerfileRejected = new(
        "DockerfileRejected",
        ErrorCategory.ParserError,
        "{0}",
        "Mend the Dockerfile at the line shown.");

    public static readonly ErrorEntry TargetRejected = new(
        "TargetRejected",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Give -Target the name after AS in a FROM line.");

    public static readonly ErrorEntry FileNotInContext = new(
        "FileNotInContext",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Paths in COPY and ADD begin at the build's directory. See that the file is there and that no rule of the ignore file leaves it out.");

    public static readonly ErrorEntry BaseImageUnavailable = new(
        "BaseImageUnavailable",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Check the name after FROM, that the engine {1} reaches the registry, and that you may pull from it. Without a network a base comes out of a layout: -BuildContext @{{ NAME = 'oci-layout://PATH' }}.");

    public static readonly ErrorEntry FrontendUnavailable = new(
        "FrontendUnavailable",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Check the image in the line '# syntax=' or in BUILDKIT_SYNTAX, and that the engine {1} reaches its registry. Without the line the engine reads the Dockerfile itself.");

    public static readonly ErrorEntry ScannerUnavailable = new(
        "ScannerUnavailable",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Name a scanner that the engine {1} can pull with -Sbom IMAGE, or build without -Sbom.");

    public static readonly ErrorEntry PushFailed = new(
        "PushFailed",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "The image is built. Check the registry in the tag, that the engine {1} reaches it, and that you may push to it (docker login, or -RegistryCredential).");

    public static readonly ErrorEntry CacheNotExported = new(
        "CacheNotExported",
        ErrorCategory.WriteError,
        "{0}",
        "The image is built. Check the place in -CacheTo and that the engine {1} may write to it; with ignore-error=true a cache that fails does not fail the build.");

    public static readonly ErrorEntry CredentialsNotFound = new(
        "CredentialsNotFound",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Mend the credential helper or the config.json that the message names, log in again, or give -RegistryCredential; the engine {1} got no credentials.");

    public static readonly ErrorEntry ContextNotSent = new(
        "ContextNotSent",
        ErrorCategory.ReadError,
        "{0}",
        "See that every file of the build's directory can be read and is not changed meanwhile, or leave it out with a rule in .dockerignore.");

    public static readonly ErrorEntry NotSupportedByEngine = new(
        "NotSupportedByEngine",
        ErrorCategory.NotImplemented,
        "{0}",
        "The engine {1} lacks what the build asks for; use a newer one, or leave it out.");

    public static readonly ErrorEntry NotAllowedByEngine = new(
        "NotAllowedByEngine",
        ErrorCategory.PermissionDenied,
        "{0}",
        "The engine {1} does not allow it; its buildkitd.toml decides (insecure-entitlements).");

    public static readonly ErrorEntry EngineLost = new(
        "EngineLost",
        ErrorCategory.ConnectionError,
        "{0}",
        "The engine {1} ended or was restarted during the build; look into its log, then build again.");

    public static readonly ErrorEntry EngineDiskFull = new(
        "EngineDiskFull",
        ErrorCategory.ResourceUnavailable,
        "{0}",
        "Make room on the machine of the engine {1}: Clear-BuildCache removes what builds have left in its cache.");

    public static readonly ErrorEntry BuildTimedOut = new(
        "BuildTimedOut",
        ErrorCategory.OperationTimeout,
        "{0}",
        "Give the build longer with -Timeout, or see with -Verbose or -LogPath what it waits for. The engine {1} has what the steps that ended made in its cache.");

    public static readonly ErrorEntry BuildFailed = new(
        "BuildFailed",
        ErrorCategory.InvalidResult,
        "{0}",
        "-Verbose or -LogPath has the whole log; the log of the engine {1} may have more.");
}
