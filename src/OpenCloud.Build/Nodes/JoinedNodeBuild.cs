using System.Diagnostics;
using System.Runtime.ExceptionServices;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;
using OpenCloud.Build.Linux;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Nodes;

/// <summary>
/// One build on several nodes: each builds its platforms into an archive on this machine, and the archives become one index, with their attestations.
/// A failure of one part stops the others, and nothing is written or pushed.
/// </summary>
internal static class JoinedNodeBuild
{
    public static async Task<ImageBuildResult> RunAsync(
        CheckedBuild build, IReadOnlyList<PlatformGroup> groups, Func<CheckedBuild, PlatformGroup, CancellationToken, Task<ImageBuildResult>> buildPart, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        long begun = Stopwatch.GetTimestamp();
        DateTimeOffset started = DateTimeOffset.Now;
        JoinedBuildPlan plan = JoinedBuildPlan.Of(build.Request);
        ImageBuildRequest[] requests = [.. groups.Select(g => PartCaches.Of(build.Request, g.Platforms))];
        List<(BuildOutput Output, NewFile File)> files = [.. plan.Archives.Select(static o => (o, NewFile.Prepare(o.Destination!, IsLayout(o), replace: !IsLayout(o))))];
        string folder = Directory.CreateTempSubdirectory("opencloud.build-").FullName;
        List<ImageArchive> archives = [];
        try
        {
            ImageBuildResult[] parts = await BuildPartsAsync(build, requests, groups, folder, buildPart, cancellationToken).ConfigureAwait(false);
            List<OpenedImage> images = [];
            for (int i = 0; i < parts.Length; i++)
            {
                archives.Add(await ImageArchive.OpenAsync(ArchiveOf(folder, i), cancellationToken).ConfigureAwait(false));
                images.AddRange(archives[i].Images.Select(image => OpenedImage.Of(archives[i], image)));
            }

            JoinedIndex index = await JoinedIndex.CreateAsync(images, cancellationToken).ConfigureAwait(false);
            TransferProgress progress = new(poster, $"Joining {build.ShortName}");
            foreach ((BuildOutput output, NewFile file) in files)
            {
                IReadOnlyList<string> names = output.Attributes.TryGetValue("name", out string? given) ? [.. given.Split(',').Select(static n => ImageReference.Parse(n).WithDefaultTag().ToString())] : build.Request.Tags;
                await file.WriteAsync(to => index.WriteAsync(to, names, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
            }

            await PushAsync(build, plan, index, progress, poster, cancellationToken).ConfigureAwait(false);
            ImageBuildResult result = Join(build, parts, plan, index.Target.Digest.ToString(), started, Stopwatch.GetElapsedTime(begun));
            ResultFiles.Write(build, result, cancellationToken);
            return result;
        }
        catch (RegistryException exception)
        {
            throw ErrorCatalog.PushFailed.ToException(build.Request.ContextPath, exception, exception.Message, build.Engine!.Name, "");
        }
        catch (OciFormatException exception)
        {
            throw ErrorCatalog.ImageDamaged.ToException(build.Request.ContextPath, exception, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ErrorCatalog.FileNotWritable.ToException(build.Request.ContextPath, exception, folder, exception.Message);
        }
        finally
        {
            archives.ForEach(static a => a.Dispose());
            TreeRemoval.Remove(folder);
        }
    }

    private static bool IsLayout(BuildOutput output) => output.Attributes.TryGetValue("tar", out string? tar) && tar == "false";

    private static string ArchiveOf(string folder, int part) => Path.Join(folder, $"part{part}.tar");

    private static async Task<ImageBuildResult[]> BuildPartsAsync(
        CheckedBuild build, ImageBuildRequest[] requests, IReadOnlyList<PlatformGroup> groups, string folder, Func<CheckedBuild, PlatformGroup, CancellationToken, Task<ImageBuildResult>> buildPart, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? first = null;
        async Task<ImageBuildResult> PartAsync(PlatformGroup group, int i)
        {
            try
            {
                CheckedBuild part = build with
                {
                    Request = JoinedBuildPlan.PartOf(requests[i], group.Platforms, ArchiveOf(folder, i)),
                    MetadataPath = null,
                    ImageIdPath = null,
                    Target = $"{build.ShortName} {string.Join(' ', group.Platforms)}",
                };
                return await buildPart(part, group, stop.Token).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                _ = Interlocked.CompareExchange(ref first, error, null);
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }

        Task<ImageBuildResult[]> all = Task.WhenAll(groups.Select(PartAsync));
        try
        {
            return await all.ConfigureAwait(false);
        }
        catch (Exception) when (first is not null && !cancellationToken.IsCancellationRequested)
        {
            // The others were cancelled because of it.
            ExceptionDispatchInfo.Throw(first);
            throw;
        }
    }

    private static async Task PushAsync(CheckedBuild build, JoinedBuildPlan plan, JoinedIndex index, TransferProgress progress, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (plan.Pushed.Count == 0)
        {
            return;
        }

        using RegistryClient registries = new(new RegistryOptions
        {
            Credentials = build.Request.RegistryCredentials,
            AllowInsecure = plan.IsInsecure,
            OnNotice = text => poster.Verbose(Client.Text.TerminalText.Plain(text)),
        });
        foreach (IGrouping<string, ImageReference> repository in plan.Pushed.Select(static n => ImageReference.Parse(n).WithDefaultTag()).GroupBy(static r => r.Name, StringComparer.Ordinal))
        {
            _ = await registries.SendAsync(index.Open(), [.. repository], [], progress, progress.SetTotal, cancellationToken).ConfigureAwait(false);
        }
    }

    private static ImageBuildResult Join(CheckedBuild build, ImageBuildResult[] parts, JoinedBuildPlan plan, string digest, DateTimeOffset started, TimeSpan duration) => new()
    {
        References = build.Request.Tags.Count > 0 ? build.Request.Tags : plan.Pushed,
        Digest = digest,
        Address = build.Engine!.Name,
        EngineVersion = parts[0].EngineVersion,
        Platforms = build.Request.Platforms,
        Path = parts[0].Path,
        Started = started,
        Duration = duration,
        Steps = [.. parts.SelectMany(static p => p.Steps)],
        Warnings = [.. parts.SelectMany(static p => p.Warnings)],
        BytesSent = parts.Sum(static p => p.BytesSent),
        FilesSent = parts.Sum(static p => p.FilesSent),
        Ref = parts[0].Ref,
        ExporterResponse = new Dictionary<string, string> { ["containerimage.digest"] = digest },
    };
}
