using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Building;

/// <summary>Carries out a build whose input has been checked.</summary>
internal interface IImageBuilder
{
    /// <summary>Builds the image; shows progress, the log and warnings through <paramref name="poster"/>.</summary>
    /// <exception cref="Errors.BuildErrorException">The build failed; the cmdlet writes it as a non-terminating error.</exception>
    /// <exception cref="OperationCanceledException">The build was cancelled, and stopped on the engine.</exception>
    public Task<ImageBuildResult> BuildAsync(ImageBuildRequest request, IPipelinePoster poster, CancellationToken cancellationToken);
}
