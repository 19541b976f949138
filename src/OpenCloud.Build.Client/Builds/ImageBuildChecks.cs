using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Builds;

/// <summary>Checks of a build request that need no engine.</summary>
public static class ImageBuildChecks
{
    /// <summary>Checks that everything the request names on this machine exists.</summary>
    /// <param name="build">The request.</param>
    /// <param name="cancellationToken">Ends the wait for a Dockerfile that is a pipe.</param>
    /// <exception cref="ArgumentException">An annotation has no document to apply to.</exception>
    /// <exception cref="FormatException">A named context is invalid.</exception>
    /// <exception cref="IOException">A directory or file does not exist.</exception>
    /// <exception cref="InvalidDataException">An archive or a layout is invalid.</exception>
    public static void Check(ImageBuildRequest build, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(build);
        ImageMetadata.Check(build);
        _ = BuildInputs.Of(build, DockerfileContent.Of(build, cancellationToken));
    }
}
