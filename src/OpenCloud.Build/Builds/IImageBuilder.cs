using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Runs checked builds; one instance serves a whole pipeline.</summary>
internal interface IImageBuilder : IDisposable
{
    /// <exception cref="Errors.BuildErrorException">The build failed; the cmdlet writes it as a non-terminating error.</exception>
    /// <exception cref="OperationCanceledException">The build was cancelled, also on the engine.</exception>
    public Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken);

    /// <summary>Ends what is open on engines, before one that ends with its builds. Logs stay open for further builds.</summary>
    public ValueTask DisconnectAsync();
}
