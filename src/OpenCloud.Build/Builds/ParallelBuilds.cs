using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Runs builds concurrently for one pipeline: a failure stops no other build, and all share one progress view.</summary>
internal static class ParallelBuilds
{
    public static Task RunAsync(IImageBuilder builder, IReadOnlyList<CheckedBuild> builds, int limit, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        BuildOverview overview = new(poster, builds.Count);
        ParallelOptions options = new() { MaxDegreeOfParallelism = limit, CancellationToken = cancellationToken };
        return Parallel.ForEachAsync(builds, options, async (build, stop) =>
        {
            try
            {
                ImageBuildResult result = await builder.BuildAsync(build, overview.For(build), stop).ConfigureAwait(false);
                poster.Output(result);
            }
            catch (BuildErrorException exception)
            {
                poster.Error(exception.ToRecord());
            }
            finally
            {
                overview.End(build);
            }
        });
    }
}
