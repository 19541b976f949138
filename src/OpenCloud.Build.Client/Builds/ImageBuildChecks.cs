using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Builds;

/// <summary>What of a build can be checked before any engine is asked.</summary>
internal static class ImageBuildChecks
{
    /// <summary>Finds out whether everything that a build names on this machine is there.</summary>
    /// <exception cref="ArgumentException">An annotation has no document to stand in.</exception>
    /// <exception cref="FormatException">A named context cannot be one.</exception>
    /// <exception cref="IOException">A directory or file does not exist.</exception>
    /// <exception cref="InvalidDataException">An archive or a layout is none.</exception>
    public static void Check(ImageBuildRequest build, CancellationToken cancellationToken)
    {
        ImageMetadata.Check(build);
        _ = BuildInputs.Of(build, DockerfileContent.Of(build, cancellationToken));
    }
}
