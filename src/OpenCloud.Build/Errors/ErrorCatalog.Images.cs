using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Images of a store.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: name, 1: where it was looked for, 2: where else it is, or an empty string.</summary>
    public static readonly ErrorEntry ImageNotFound = new(
        "ImageNotFound",
        ErrorCategory.ObjectNotFound,
        "There is no image '{0}' in {1}.{2}",
        "Get-ContainerImage lists what is there; -Namespace '*' looks into every namespace of containerd, -Address into another store.");

    /// <summary>0: what happened.</summary>
    public static readonly ErrorEntry ImageNameTaken = new(
        "ImageNameTaken",
        ErrorCategory.ResourceExists,
        "{0}",
        "Choose another name, or let the name point to the new image with -Force.");

    /// <summary>0: what is wrong.</summary>
    public static readonly ErrorEntry ImageDamaged = new(
        "ImageDamaged",
        ErrorCategory.InvalidData,
        "{0}",
        "Nothing was kept of it. Get the image anew from where it came from; Import-ContainerImage -Force repairs contents of a store.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry ImageWithoutName = new(
        "ImageWithoutName",
        ErrorCategory.InvalidArgument,
        "'{0}' does not say the name of an image that it holds.",
        "Give a name with -Name.");

    /// <summary>0: path, 1: how many images.</summary>
    public static readonly ErrorEntry NameForSeveralImages = new(
        "NameForSeveralImages",
        ErrorCategory.InvalidArgument,
        "'{0}' holds {1} images, which -Name cannot tell apart.",
        "Leave out -Name, or import from an archive with one image.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry FileExists = new(
        "FileExists",
        ErrorCategory.ResourceExists,
        "'{0}' exists.",
        "Choose another path, or replace a file with -Force; a directory is never replaced.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry FileNotWritable = new(
        "FileNotWritable",
        ErrorCategory.WriteError,
        "'{0}' cannot be written: {1}",
        "Check the directory, its permissions and the room on its disk. Nothing was left behind.");

    /// <summary>0: address of the engine.</summary>
    public static readonly ErrorEntry BuildWithoutImage = new(
        "BuildWithoutImage",
        ErrorCategory.InvalidOperation,
        "The build at {0} has put no image into a store.",
        "Give -Tag, and an engine that keeps images: a Docker Engine, or a buildkitd whose worker is containerd. With another worker, take the image to a registry (-Push) or a file (-Output type=oci,dest=FILE).");

    /// <summary>0: address.</summary>
    public static readonly ErrorEntry NotAnImageStore = new(
        "NotAnImageStore",
        ErrorCategory.ConnectionError,
        "{0} is no store of images: it does not speak containerd's API.",
        "Give the address of containerd (unix:///run/containerd/containerd.sock) or of a Docker Engine (docker://). BuildKit's own socket has no images.");

    /// <summary>0: address, 1: what it said.</summary>
    public static readonly ErrorEntry ImageStoreRefused = new(
        "ImageStoreRefused",
        ErrorCategory.InvalidOperation,
        "{0} answered with an error: {1}",
        "The log of the engine may have more.");

    /// <summary>0: namespace.</summary>
    public static readonly ErrorEntry InvalidNamespace = new(
        "InvalidNamespace",
        ErrorCategory.InvalidArgument,
        "'{0}' is no namespace of containerd.",
        "A namespace has letters and digits, with single '.', '_' or '-' between them, and at most 76 characters.");
}
