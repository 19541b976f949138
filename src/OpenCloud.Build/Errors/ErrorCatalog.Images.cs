using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Images of a store.</summary>
internal static partial class ErrorCatalog
{
    /// <summary>0: name, 1: where it was looked for, 2: where else it is, or an empty string.</summary>
    public static readonly ErrorEntry ImageNotFound = new(
        "ImageNotFound",
        ErrorCategory.ObjectNotFound,
        "The image '{0}' does not exist in {1}.{2}",
        "Use Get-ContainerImage to list the images. -Namespace '*' lists every namespace of containerd, -Address selects another image store.");

    /// <summary>0: what happened.</summary>
    public static readonly ErrorEntry ImageNameTaken = new(
        "ImageNameTaken",
        ErrorCategory.ResourceExists,
        "{0}",
        "Choose another name, or use -Force to move the name to the new image.");

    /// <summary>0: what is wrong.</summary>
    public static readonly ErrorEntry ImageDamaged = new(
        "ImageDamaged",
        ErrorCategory.InvalidData,
        "{0}",
        "Get the image again from its source. No part of it was kept. Import-ContainerImage -Force repairs damaged content in a store.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry ImageWithoutName = new(
        "ImageWithoutName",
        ErrorCategory.InvalidArgument,
        "'{0}' contains an image without a name.",
        "Use -Name to name the image.");

    /// <summary>0: path, 1: how many images.</summary>
    public static readonly ErrorEntry NameForSeveralImages = new(
        "NameForSeveralImages",
        ErrorCategory.InvalidArgument,
        "-Name names one image, but '{0}' contains {1}.",
        "Leave out -Name, or import from an archive with one image.");

    /// <summary>0: path.</summary>
    public static readonly ErrorEntry FileExists = new(
        "FileExists",
        ErrorCategory.ResourceExists,
        "'{0}' already exists.",
        "Choose another path, or use -Force to replace a file. A directory is never replaced.");

    /// <summary>0: path, 1: what went wrong.</summary>
    public static readonly ErrorEntry FileNotWritable = new(
        "FileNotWritable",
        ErrorCategory.WriteError,
        "'{0}' cannot be written: {1}",
        "Check the directory, its permissions and the free disk space. No partial file was left.");

    /// <summary>0: address of the engine.</summary>
    public static readonly ErrorEntry BuildWithoutImage = new(
        "BuildWithoutImage",
        ErrorCategory.InvalidOperation,
        "The build at {0} did not put an image into an image store.",
        "Use -Tag, and an engine with an image store: a Docker Engine, or buildkitd with a containerd worker. With another worker, send the image to a registry (-Push) or a file (-Output type=oci,dest=FILE).");

    /// <summary>0: address.</summary>
    public static readonly ErrorEntry NotAnImageStore = new(
        "NotAnImageStore",
        ErrorCategory.ConnectionError,
        "{0} is not an image store: it does not support the containerd API.",
        "Use the address of containerd (unix:///run/containerd/containerd.sock) or of a Docker Engine (docker://). BuildKit's own socket does not give access to images.");

    /// <summary>0: name of the image.</summary>
    public static readonly ErrorEntry ImageInRegistry = new(
        "ImageInRegistry",
        ErrorCategory.InvalidArgument,
        "The image '{0}' is in a registry, not in an image store.",
        "Use Receive-ContainerImage to get the image first, or Copy-ContainerImage to copy it to another registry.");

    /// <summary>0: names of the image, 1: path.</summary>
    public static readonly ErrorEntry ImageInFile = new(
        "ImageInFile",
        ErrorCategory.InvalidArgument,
        "The image '{0}' is in the archive '{1}', not in an image store.",
        "Use Import-ContainerImage to import the archive first, or Send-ContainerImage to send it to a registry.");

    /// <summary>0: address, 1: what it said.</summary>
    public static readonly ErrorEntry ImageStoreRefused = new(
        "ImageStoreRefused",
        ErrorCategory.InvalidOperation,
        "{0} answered with an error: {1}",
        "Check the log of the image store.");

    /// <summary>0: namespace.</summary>
    public static readonly ErrorEntry InvalidNamespace = new(
        "InvalidNamespace",
        ErrorCategory.InvalidArgument,
        "Invalid containerd namespace '{0}'.",
        "Use letters and digits, with single '.', '_' or '-' between them, and at most 76 characters.");
}
