using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Input that is rejected before anything is changed or sent.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: reference, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidImageReference = new(
        "InvalidImageReference",
        ErrorCategory.InvalidArgument,
        "'{0}' is no image reference: {1}",
        "Write it as [registry[:port]/]name[:tag], in lower case; for example 'registry.local:5000/team/app:1.0'.");

    /// <summary>0: reference.</summary>
    public static readonly ErrorEntry TagWithDigest = new(
        "TagWithDigest",
        ErrorCategory.InvalidArgument,
        "'{0}' names a digest, which only the build itself can decide.",
        "Leave out everything from '@' on.");

    /// <summary>0: platform, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidPlatform = new(
        "InvalidPlatform",
        ErrorCategory.InvalidArgument,
        "'{0}' is no platform: {1}",
        "Write it as os/architecture[/variant]; for example 'linux/arm64'.");

    /// <summary>0: parameter, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidKeyValue = new(
        "InvalidKeyValue",
        ErrorCategory.InvalidArgument,
        "The value of -{0} cannot be used: {1}",
        "Give a hashtable, as in -{0} @{{ NAME = 'value' }}, or strings of the form NAME=value.");

    /// <summary>0: property, 1: type of its value. The value may be a secret.</summary>
    public static readonly ErrorEntry InvalidColumn = new(
        "InvalidColumn",
        ErrorCategory.InvalidData,
        "The property '{0}' of the input, of type {1}, is not a value of -{0}.",
        "See Get-Help Invoke-ImageBuild -Parameter {0}; a switch takes true, yes, on, 1, false, no, off and 0.");

    /// <summary>0: type of the object.</summary>
    public static readonly ErrorEntry NotABuild = new(
        "NotABuild",
        ErrorCategory.InvalidType,
        "An object of type {0} does not describe a build.",
        "Pipe in a directory, a Dockerfile, or an object with the parameters as its properties: [pscustomobject] @{{ Path = '.'; Tag = 'app:1' }}.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry PathNotFound = new(
        "PathNotFound",
        ErrorCategory.ObjectNotFound,
        "There is nothing at '{0}'.",
        "Check the path; -Path takes wildcards, -LiteralPath takes every character as it is.");

    /// <summary>0: path, 1: provider.</summary>
    public static readonly ErrorEntry NotFileSystemPath = new(
        "NotFileSystemPath",
        ErrorCategory.InvalidArgument,
        "'{0}' is a path of the {1} provider; only files and directories can be built from.",
        "Give a path of the FileSystem provider.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry NotDirectory = new(
        "NotDirectory",
        ErrorCategory.InvalidArgument,
        "'{0}' is no directory.",
        "Give the directory that the build's files are in; name the Dockerfile with -Dockerfile, or pipe it in as a file object.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry PathNotReadable = new(
        "PathNotReadable",
        ErrorCategory.ReadError,
        "'{0}' cannot be read: {1}",
        "Check its permissions, and those of every directory above it.");

    /// <summary>0: what went wrong, a sentence that names the path.</summary>
    public static readonly ErrorEntry DockerfileNotReadable = new(
        "DockerfileNotReadable",
        ErrorCategory.ReadError,
        "{0}",
        "Name a regular file or a pipe that you may read, of 16 MiB at most.");

    /// <summary>0: the link, 1: its target, 2: the context directory.</summary>
    public static readonly ErrorEntry DockerfileOutsideContext = new(
        "DockerfileOutsideContext",
        ErrorCategory.SecurityError,
        "'{0}' is a symbolic link to '{1}', which leads out of the build's directory '{2}' or to nothing in it.",
        "Links are resolved as if the build's directory were the root. Name the file itself with -Dockerfile if it is meant; nothing was sent to the engine.");

    /// <summary>0: the context directory, 1: a hint or an empty string.</summary>
    public static readonly ErrorEntry DockerfileNotFound = new(
        "DockerfileNotFound",
        ErrorCategory.ObjectNotFound,
        "There is no Dockerfile in '{0}'.{1}",
        "Name it with -Dockerfile, or give its text with -DockerfileText.");

    /// <summary>0: path as given, 1: first place looked, 2: second place looked.</summary>
    public static readonly ErrorEntry NamedDockerfileNotFound = new(
        "NamedDockerfileNotFound",
        ErrorCategory.ObjectNotFound,
        "There is no file '{0}': neither '{1}' nor '{2}' exists.",
        "-Dockerfile is looked up from the current location, then from the build's directory; check the path.");

    /// <summary>0: name of the Dockerfile, 1: line, 2: explanation.</summary>
    public static readonly ErrorEntry InvalidDockerfile = new(
        "InvalidDockerfile",
        ErrorCategory.ParserError,
        "{0}:{1}: {2}",
        "Mend the Dockerfile; nothing was sent to the engine.");

    /// <summary>0: target, 1: name of the Dockerfile, 2: its stages.</summary>
    public static readonly ErrorEntry TargetNotFound = new(
        "TargetNotFound",
        ErrorCategory.ObjectNotFound,
        "{1} has no stage '{0}'. {2}",
        "Give the name after AS in a FROM line, or the number of a stage, counted from 0.");


    /// <summary>0: one parameter, 1: another.</summary>
    public static readonly ErrorEntry ParameterConflict = new(
        "ParameterConflict",
        ErrorCategory.InvalidArgument,
        "-{0} and -{1} cannot be given together.",
        "Leave out one of them.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry LogNotWritable = new(
        "LogNotWritable",
        ErrorCategory.WriteError,
        "The log '{0}' cannot be written: {1}",
        "Give -LogPath a file in a directory that exists and that you may write to.");

    /// <summary>0: address, 1: explanation.</summary>
    public static readonly ErrorEntry InvalidAddress = new(
        "InvalidAddress",
        ErrorCategory.InvalidArgument,
        "'{0}' is no address of an engine: {1}",
        "Write it as unix:///run/buildkit/buildkitd.sock, docker:// or tcp://127.0.0.1:1234; leave out -Address to use the engine that is found.");

    /// <summary>0: parameter.</summary>
    public static readonly ErrorEntry InvalidDuration = new(
        "InvalidDuration",
        ErrorCategory.InvalidArgument,
        "-{0} must be longer than nothing.",
        "Give seconds, a time span, or text such as '500ms', '5s' or '2m'.");
}
