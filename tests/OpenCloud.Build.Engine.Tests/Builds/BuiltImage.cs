using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>
/// An image as its engine gives it back, whichever engine that is: out of a Docker Engine's store; of an engine that keeps none, out
/// of an archive, which the build has to be asked for.
/// </summary>
internal sealed class BuiltImage(RunningEngine engine) : IDisposable
{
    private readonly ContextFolder _place = new();

    /// <summary>The outputs of the build's request.</summary>
    public IReadOnlyList<BuildOutput> Outputs => engine.DockerSocket is not null ? [] : [BuildOutput.Parse($"type=oci,dest={_place.At("image.tar")}")];

    /// <summary>Reads it once it is built.</summary>
    /// <param name="tag">One of its names.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<TarImage> ReadAsync(string tag, CancellationToken cancellationToken)
    {
        if (engine.DockerSocket is not null)
        {
            using DockerApi docker = new(engine);
            return await docker.ReadImageAsync(tag, cancellationToken);
        }

        await using FileStream file = File.OpenRead(_place.At("image.tar"));
        return await TarImage.ReadAsync(file, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _place.Dispose();
}
