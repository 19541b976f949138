using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Input that is rejected before anything is changed or sent.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: reference, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidImageReference = new(
        "InvalidImageReference",
        ErrorCategory.InvalidArgument,
        "Invalid image reference '{0}': {1}",
        "Write it as [registry[:port]/]name[:tag], in lower case; for example 'registry.local:5000/team/app:1.0'.");

    /// <summary>0: reference.</summary>
    public static readonly ErrorEntry TagWithDigest = new(
        "TagWithDigest",
        ErrorCategory.InvalidArgument,
        "Invalid tag '{0}': it contains a digest, which is only known after the build.",
        "Remove the '@' and everything after it.");

    /// <summary>0: platform, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidPlatform = new(
        "InvalidPlatform",
        ErrorCategory.InvalidArgument,
        "Invalid platform '{0}': {1}",
        "Write it as os/architecture[/variant]; for example 'linux/arm64'.");

    /// <summary>0: parameter, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidKeyValue = new(
        "InvalidKeyValue",
        ErrorCategory.InvalidArgument,
        "Invalid value of -{0}: {1}",
        "Use a hashtable, as in -{0} @{{ NAME = 'value' }}, or strings of the form NAME=value.");

    /// <summary>0: property, 1: type of its value. The value may be a secret.</summary>
    public static readonly ErrorEntry InvalidColumn = new(
        "InvalidColumn",
        ErrorCategory.InvalidData,
        "The input property '{0}' of type {1} cannot be converted to a value of -{0}.",
        "See 'Get-Help Invoke-ImageBuild -Parameter {0}'. A switch accepts true, yes, on, 1, false, no, off and 0.");

    /// <summary>0: type of the object.</summary>
    public static readonly ErrorEntry NotABuild = new(
        "NotABuild",
        ErrorCategory.InvalidType,
        "The input object of type {0} does not describe a build.",
        "Pipe in a directory, a Dockerfile, or an object with the parameters as its properties: [pscustomobject] @{{ Path = '.'; Tag = 'app:1' }}.");

    /// <summary>0: type of the object.</summary>
    public static readonly ErrorEntry NotAnImage = new(
        "NotAnImage",
        ErrorCategory.InvalidType,
        "The input object of type {0} does not name an image.",
        "Pipe in a name, an image from Get-ContainerImage, a build, or an object with a property Name or References.");

    /// <summary>0: type of the object.</summary>
    public static readonly ErrorEntry NotAnArchive = new(
        "NotAnArchive",
        ErrorCategory.InvalidType,
        "The input object of type {0} does not name an archive.",
        "Pipe in a path, a file from Get-Item, or an object with a property LiteralPath.");

    /// <summary>0: type of the object.</summary>
    public static readonly ErrorEntry NotACacheRecord = new(
        "NotACacheRecord",
        ErrorCategory.InvalidType,
        "The input object of type {0} is not a record of a build cache.",
        "Pipe in the records of Get-BuildCache. Use -Address to clear the whole cache of an engine.");

    /// <summary>0: parameter.</summary>
    public static readonly ErrorEntry ParameterMissing = new(
        "ParameterMissing",
        ErrorCategory.InvalidArgument,
        "-{0} is missing.",
        "See 'Get-Help' of the cmdlet for its parameters.");

    /// <summary>0: what would be done.</summary>
    public static readonly ErrorEntry ConfirmationNeeded = new(
        "ConfirmationNeeded",
        ErrorCategory.InvalidOperation,
        "{0} requires a confirmation, but this session is not interactive.",
        "Use -Force or -Confirm:$false to skip the question.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry PathNotFound = new(
        "PathNotFound",
        ErrorCategory.ObjectNotFound,
        "The path '{0}' does not exist.",
        "Check the path. -Path interprets wildcards; -LiteralPath uses every character as it is.");

    /// <summary>0: path, 1: provider.</summary>
    public static readonly ErrorEntry NotFileSystemPath = new(
        "NotFileSystemPath",
        ErrorCategory.InvalidArgument,
        "'{0}' is a path of the {1} provider, not a file or directory.",
        "Use a path of the FileSystem provider.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry NotDirectory = new(
        "NotDirectory",
        ErrorCategory.InvalidArgument,
        "'{0}' is not a directory.",
        "Use the context directory as the path. To name the Dockerfile, use -Dockerfile or pipe in a file object.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry PathNotReadable = new(
        "PathNotReadable",
        ErrorCategory.ReadError,
        "'{0}' cannot be read: {1}",
        "Check the permissions of the file and of every directory above it.");

    /// <summary>0: what went wrong, a sentence that names the path.</summary>
    public static readonly ErrorEntry DockerfileNotReadable = new(
        "DockerfileNotReadable",
        ErrorCategory.ReadError,
        "{0}",
        "Use a readable regular file or pipe of at most 16 MiB.");

    /// <summary>0: the link, 1: its target, 2: the context directory.</summary>
    public static readonly ErrorEntry DockerfileOutsideContext = new(
        "DockerfileOutsideContext",
        ErrorCategory.SecurityError,
        "'{0}' is a symbolic link to '{1}', which is outside the context directory '{2}' or does not exist in it.",
        "Set -Dockerfile to the file itself if it is intended. Symbolic links are resolved as if the context directory were the root. Nothing was sent to the engine.");

    /// <summary>0: the context directory, 1: a hint or an empty string.</summary>
    public static readonly ErrorEntry DockerfileNotFound = new(
        "DockerfileNotFound",
        ErrorCategory.ObjectNotFound,
        "The directory '{0}' has no Dockerfile.{1}",
        "Use -Dockerfile to name the file, or -DockerfileText to pass its text.");

    /// <summary>0: path as given, 1: first place looked, 2: second place looked.</summary>
    public static readonly ErrorEntry NamedDockerfileNotFound = new(
        "NamedDockerfileNotFound",
        ErrorCategory.ObjectNotFound,
        "The Dockerfile '{0}' does not exist: neither '{1}' nor '{2}' was found.",
        "Check the path. -Dockerfile is relative to the current location, then to the context directory.");

    /// <summary>0: name of the Dockerfile, 1: line, 2: explanation.</summary>
    public static readonly ErrorEntry InvalidDockerfile = new(
        "InvalidDockerfile",
        ErrorCategory.ParserError,
        "{0}:{1}: {2}",
        "Fix the Dockerfile. Nothing was sent to the engine.");

    /// <summary>0: target, 1: name of the Dockerfile, 2: its stages.</summary>
    public static readonly ErrorEntry TargetNotFound = new(
        "TargetNotFound",
        ErrorCategory.ObjectNotFound,
        "{1} has no stage '{0}'. {2}",
        "Use the name after AS in a FROM line, or the number of a stage, starting at 0.");

    /// <summary>0: one parameter, 1: another.</summary>
    public static readonly ErrorEntry ParameterConflict = new(
        "ParameterConflict",
        ErrorCategory.InvalidArgument,
        "-{0} and -{1} cannot be used together.",
        "Use only one of them.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry LogNotWritable = new(
        "LogNotWritable",
        ErrorCategory.WriteError,
        "The log file '{0}' cannot be written: {1}",
        "Set -LogPath to a file in an existing directory that you can write to.");

    /// <summary>0: address, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidAddress = new(
        "InvalidAddress",
        ErrorCategory.InvalidArgument,
        "Invalid engine address '{0}': {1}",
        "Use a form such as unix:///run/buildkit/buildkitd.sock, docker:// or tcp://127.0.0.1:1234. Without -Address, the module finds an engine (see about_OpenCloud.Build_Addresses).");

    /// <summary>0: parameter.</summary>
    public static readonly ErrorEntry InvalidDuration = new(
        "InvalidDuration",
        ErrorCategory.InvalidArgument,
        "-{0} must be greater than zero.",
        "Use a number of seconds, a time span, or text such as '500ms', '5s' or '2m'.");
}
