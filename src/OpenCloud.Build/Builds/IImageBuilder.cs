using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Carries out builds whose input has been checked; one for all of a pipeline's.</summary>
internal interface IImageBuilder : IDisposable
{
    /// <summary>Builds the image; shows progress, the log and warnings through <paramref name="poster"/>.</summary>
    /// <exception cref="Errors.BuildErrorException">The build failed; the cmdlet writes it as a non-terminating error.</exception>
    /// <exception cref="OperationCanceledException">The build was cancelled, and stopped on the engine.</exception>
    public Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken);
}
