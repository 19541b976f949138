using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Registries. Argument 0 is what happened, argument 1 the host of the registry, unless an entry says otherwise.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry RegistryUnreachable = new(
        "RegistryUnreachable",
        ErrorCategory.ConnectionError,
        "{0}",
        "Check the name of the registry, the network and the proxy variables. -Verbose shows each attempt.");

    public static readonly ErrorEntry RegistryUntrusted = new(
        "RegistryUntrusted",
        ErrorCategory.SecurityError,
        "{0}",
        "Install the certificate of the authority in /etc/docker/certs.d/{1}/ca.crt or in the trust store of the system. For a test registry, use -AllowInsecureRegistry.");

    public static readonly ErrorEntry RegistryLoginRequired = new(
        "RegistryLoginRequired",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Log in with Connect-ContainerRegistry {1}, or use -RegistryCredential.");

    public static readonly ErrorEntry RegistryDenied = new(
        "RegistryDenied",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Check the name of the repository and the permissions of the account.");

    public static readonly ErrorEntry RegistryImageNotFound = new(
        "RegistryImageNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check the name and the tag. To list the tags of a repository, use Get-ContainerImage -Registry.");

    public static readonly ErrorEntry RegistryTooManyRequests = new(
        "RegistryTooManyRequests",
        ErrorCategory.LimitsExceeded,
        "{0}",
        "Wait, then repeat the command. A login can raise the limit of the registry.");

    public static readonly ErrorEntry RegistryAnswerInvalid = new(
        "RegistryAnswerInvalid",
        ErrorCategory.InvalidData,
        "{0}",
        "Check the name and the configuration of the registry. Nothing of the answer was used.");

    public static readonly ErrorEntry RegistryRefused = new(
        "RegistryRefused",
        ErrorCategory.InvalidOperation,
        "{0}",
        "Check the log of the registry.");

    /// <summary>0: what is wrong.</summary>
    public static readonly ErrorEntry RegistryLoginNotSaved = new(
        "RegistryLoginNotSaved",
        ErrorCategory.WriteError,
        "{0}",
        "Check the Docker configuration (DOCKER_CONFIG or ~/.docker/config.json) and its credential helper.");

    /// <summary>0: registry, 1: configuration file.</summary>
    public static readonly ErrorEntry RegistryLoginNotFound = new(
        "RegistryLoginNotFound",
        ErrorCategory.ObjectNotFound,
        "The Docker configuration '{1}' has no login for the registry '{0}'.",
        "Check the name of the registry and the environment variable DOCKER_CONFIG.");

    /// <summary>0: the value.</summary>
    public static readonly ErrorEntry InvalidRegistry = new(
        "InvalidRegistry",
        ErrorCategory.InvalidArgument,
        "Invalid registry '{0}': a host name with an optional port is expected.",
        "Use a name such as registry.local:5000, without https:// and without a path.");

    /// <summary>0: the registry.</summary>
    public static readonly ErrorEntry InvalidRegistryLogin = new(
        "InvalidRegistryLogin",
        ErrorCategory.InvalidArgument,
        "Invalid login for the registry '{0}': a user name without ':' and a password are required.",
        "Give both with -Credential, or with -UserName and -Password or -PasswordStdin.");

    /// <summary>0: the name of the image.</summary>
    public static readonly ErrorEntry ImageHasNoReference = new(
        "ImageHasNoReference",
        ErrorCategory.InvalidArgument,
        "The image '{0}' does not have a name that a registry accepts.",
        "Use -Destination to name the image.");

    /// <summary>0: how many images.</summary>
    public static readonly ErrorEntry DestinationForSeveralImages = new(
        "DestinationForSeveralImages",
        ErrorCategory.InvalidArgument,
        "-Destination names one image, but the command selects {0}.",
        "Leave out -Destination, or select one image.");
}
