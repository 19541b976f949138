using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>
/// Runs the builds of a set: each after those whose results it uses, at most <c>limit</c> at a time. A failure stops only what depends on it. Results
/// come in the order of the definitions, errors at once, and all share one progress view and one metadata file.
/// </summary>
internal static class SetBuilds
{
    public static async Task RunAsync(IImageBuilder builder, BuildSetPlan plan, int limit, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        CheckedBuild?[] builds = [.. Enumerable.Range(0, plan.Count).Select(i => plan[i])];
        BuildOverview? overview = plan.Count > 1 ? new(poster, builds.Count(static b => b is not null)) : null;
        ImageBuildResult?[] results = new ImageBuildResult?[plan.Count];
        bool[] hasEnded = [.. builds.Select(static b => b is null)];
        int next = 0;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task<int>> running = [];
        try
        {
            while (true)
            {
                while (running.Count < limit && plan.Graph.TryStart() is { } node)
                {
                    running.Add(BuildAsync(node));
                }

                if (running.Count == 0)
                {
                    break;
                }

                Task<int> first = await Task.WhenAny(running).ConfigureAwait(false);
                running.Remove(first);
                End(await first.ConfigureAwait(false));
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(running)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            WriteMetadata(plan, results, poster, cancellationToken);
        }

        async Task<int> BuildAsync(int node)
        {
            CheckedBuild build = builds[node]!;
            try
            {
                results[node] = await builder.BuildAsync(build with { MetadataPath = null }, overview?.For(build) ?? poster, stop.Token).ConfigureAwait(false);
            }
            catch (BuildErrorException exception)
            {
                poster.Error(exception.ToRecord());
            }
            finally
            {
                overview?.End(build);
            }

            return node;
        }

        void End(int node)
        {
            hasEnded[node] = true;
            if (results[node] is not null)
            {
                plan.Graph.Finish(node, isBuilt: true);
            }
            else
            {
                foreach ((int other, BuildErrorException error) in plan.Fail(node, "failed"))
                {
                    hasEnded[other] = true;
                    overview?.End(builds[other]!);
                    poster.Error(error.ToRecord());
                }
            }

            for (; next < results.Length && hasEnded[next]; next++)
            {
                if (results[next] is { } result)
                {
                    poster.Output(result);
                }
            }
        }
    }

    private static void WriteMetadata(BuildSetPlan plan, ImageBuildResult?[] results, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        foreach (IGrouping<string, int> file in Enumerable.Range(0, plan.Count).Where(i => results[i] is not null && plan[i]?.MetadataPath is not null).GroupBy(i => plan[i]!.MetadataPath!))
        {
            try
            {
                ResultFiles.Write(file.Key, file.Select(i => KeyValuePair.Create(plan.NameOf(i), results[i]!)), cancellationToken);
            }
            catch (BuildErrorException exception)
            {
                poster.Error(exception.ToRecord());
            }
        }
    }
}
