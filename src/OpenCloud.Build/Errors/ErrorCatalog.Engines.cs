using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Engines that are registered under a name. Argument 0 is what happened, unless an entry says otherwise.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: the name.</summary>
    public static readonly ErrorEntry EngineNotRegistered = new(
        "EngineNotRegistered",
        ErrorCategory.ObjectNotFound,
        "No engine is registered with the name '{0}', and it is not an address.",
        "Check the name with Get-BuildKitEngine, or register it with Register-BuildKitEngine. An address is for example unix:///run/buildkit/buildkitd.sock or tcp://127.0.0.1:1234.");

    public static readonly ErrorEntry EngineAlreadyRegistered = new(
        "EngineAlreadyRegistered",
        ErrorCategory.ResourceExists,
        "{0}",
        "Use Set-BuildKitEngine to change the engine, or Register-BuildKitEngine -Force to replace it.");

    public static readonly ErrorEntry EngineNameInvalid = new(
        "EngineNameInvalid",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Use up to 63 letters, digits, '.', '_' and '-', and begin with a letter or a digit. The name 'docker' is an address.");

    public static readonly ErrorEntry EngineNodeInvalid = new(
        "EngineNodeInvalid",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Give each node an address of its own, at least one and at most 256. A node is an address, not the name of another engine.");

    public static readonly ErrorEntry EngineSecretRefused = new(
        "EngineSecretRefused",
        ErrorCategory.SecurityError,
        "{0}",
        "The file of named engines contains no secrets: pass a cache that requires one to the build with -CacheTo and -CacheFrom, or set the variables of its own environment on the engine.");

    public static readonly ErrorEntry EngineFileInvalid = new(
        "EngineFileInvalid",
        ErrorCategory.InvalidData,
        "{0}",
        "Correct the file, or remove it and register the engines again. If a newer version of the module wrote it, update the module.");

    public static readonly ErrorEntry EngineFileNotTrusted = new(
        "EngineFileNotTrusted",
        ErrorCategory.SecurityError,
        "{0}",
        "Check the content of the file, and restrict it to its owner: chmod 700 ~/.config/opencloud.build; chmod 600 ~/.config/opencloud.build/engines.json. Root uses a file of its own: set XDG_CONFIG_HOME or HOME to a directory of root.");

    public static readonly ErrorEntry EngineFileNotAccessible = new(
        "EngineFileNotAccessible",
        ErrorCategory.PermissionDenied,
        "{0}",
        "Check the owner and the mode of the directory and of the file, and the free space of the disk. XDG_CONFIG_HOME names another directory.");
}
