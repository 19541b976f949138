using System.Text.Json.Nodes;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Containers;

/// <content>What changes containers.</content>
public sealed partial class BuildKitContainers
{
    // moby/buildkit, Dockerfile: the stages buildkit-linux and rootless.
    private const string CacheFolder = "/var/lib/buildkit";
    private const string RootlessCacheFolder = "/home/user/.local/share/buildkit";

    // With the restart policy "always" an engine that ends at once is started again and again.
    private const int MostRestarts = 2;

    // For so long, a new container beside the previous one belongs to an update that still waits for it.
    private static readonly TimeSpan OtherRun = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Cleanup = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>Applies a plan and waits until the engine answers. A failure undoes what this call changed.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="answers">Connects to the engine at an address, and returns when it answers.</param>
    /// <param name="limit">How long to wait for the engine.</param>
    /// <param name="cancellationToken">Cancels the change, which is then undone.</param>
    /// <exception cref="BuildKitContainerException">The engine did not answer, or what was changed could not be undone.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task<BuildKitContainer> ApplyAsync(
        BuildKitContainerPlan plan, Func<EngineAddress, CancellationToken, Task> answers, TimeSpan limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(answers);
        if (plan.Change == BuildKitContainerChange.None)
        {
            return Describe(plan.Current!, plan.Change);
        }

        string name = plan.Wanted.Engine;
        await RestoreAsync(plan, cancellationToken).ConfigureAwait(false);
        ContainerUndo undo = new();
        try
        {
            string id = plan.Change == BuildKitContainerChange.Started ? plan.Current!.Id : await CreateAsync(plan, undo, cancellationToken).ConfigureAwait(false);
            if (plan.Change == BuildKitContainerChange.Started && plan.Current!.State is "created" or "exited")
            {
                undo.Add($"the container '{name}' runs", token => _containers.StopAsync(id, token));
            }

            await _containers.StartAsync(id, cancellationToken).ConfigureAwait(false);
            await WaitAsync(id, plan.Address, answers, limit, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (await undo.RunAsync().ConfigureAwait(false) is { Count: > 0 } left)
            {
                throw new BuildKitContainerException(BuildKitContainerProblem.NotUndone, $"{e.Message} Not everything was undone: {string.Join("; ", left)}.", e);
            }

            throw;
        }

        if (plan.Change == BuildKitContainerChange.Updated)
        {
            // The new engine answers: the previous one goes, also when the run is cancelled now.
            using CancellationTokenSource brief = new(Cleanup);
            await _containers.RemoveAsync(plan.Current!.Id, brief.Token).ConfigureAwait(false);
            if (plan.Current.Labels!.LoadedAs != plan.Wanted.LoadedAs)
            {
                await RemoveLoadedAsync(plan.Current.Labels, brief.Token).ConfigureAwait(false);
            }
        }

        return Describe(await FindNamedAsync(name, cancellationToken).ConfigureAwait(false) is { Labels: not null } made ? made : throw NotFound(name), plan.Change);
    }

    /// <summary>Removes a container, the image that was loaded for it, and its cache.</summary>
    /// <param name="name">The name of the container.</param>
    /// <param name="keepCache">Whether the volume of the cache stays. A volume that this library did not make always stays.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="BuildKitContainerException">There is no such container, or this library did not make it.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task RemoveAsync(string name, bool keepCache, CancellationToken cancellationToken = default)
    {
        BuildKitContainer found = await GetAsync(name, cancellationToken).ConfigureAwait(false);
        (DockerContainer? current, DockerContainer? unfinished) = await FindAsync(name, cancellationToken).ConfigureAwait(false);
        foreach (DockerContainer container in new[] { unfinished, current }.OfType<DockerContainer>())
        {
            // The engine may write its databases first.
            await _containers.StopAsync(container.Id, cancellationToken).ConfigureAwait(false);
            await _containers.RemoveAsync(container.Id, cancellationToken).ConfigureAwait(false);
            await RemoveLoadedAsync(container.Labels!, cancellationToken).ConfigureAwait(false);
        }

        if (!keepCache && await _containers.FindVolumeAsync(found.CacheVolume, cancellationToken).ConfigureAwait(false) is { } labels && ContainerLabels.From(labels)?.Engine == name)
        {
            await _containers.RemoveVolumeAsync(found.CacheVolume, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One container.</summary>
    /// <exception cref="BuildKitContainerException">There is no such container, or this library did not make it.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<BuildKitContainer> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        CheckNames(new BuildKitContainerRequest { Name = name });
        (DockerContainer? current, DockerContainer? unfinished) = await FindAsync(name, cancellationToken).ConfigureAwait(false);
        return (unfinished ?? current) is { Labels: not null } found ? Describe(found, BuildKitContainerChange.None) : throw NotFound(name);
    }

    // moby, api: ContainerCreateRequest. buildkitd mounts file systems and makes namespaces, so it is privileged; the rootless image needs no
    // privileges but its system calls, mounts, and a /proc without masks (moby/buildkit, docs/rootless.md).
    private static JsonObject BodyOf(BuildKitContainerPlan plan)
    {
        ContainerLabels wanted = plan.Wanted;
        JsonObject host = new()
        {
            ["NetworkMode"] = wanted.Network,
            ["RestartPolicy"] = new JsonObject { ["Name"] = "always" },
            ["Mounts"] = new JsonArray(new JsonObject { ["Type"] = "volume", ["Source"] = wanted.CacheVolume, ["Target"] = wanted.IsRootless ? RootlessCacheFolder : CacheFolder }),
        };
        if (wanted.IsRootless)
        {
            host["SecurityOpt"] = new JsonArray("seccomp=unconfined", "apparmor=unconfined");
            host["MaskedPaths"] = new JsonArray();
            host["ReadonlyPaths"] = new JsonArray();
        }
        else
        {
            host["Privileged"] = true;
        }

        return new JsonObject { ["Image"] = plan.Image, ["Labels"] = wanted.ToJson(), ["HostConfig"] = host };
    }

    // A label can name any image; this library loads only under its own names.
    private async Task RemoveLoadedAsync(ContainerLabels labels, CancellationToken cancellationToken)
    {
        if (labels.LoadedAs.StartsWith(LoadedPrefix, StringComparison.Ordinal))
        {
            await RemoveImageAsync(labels.LoadedAs, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Undoes an update that was interrupted: the previous container gets its name back.</summary>
    private async Task RestoreAsync(BuildKitContainerPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Unfinished is { } unfinished)
        {
            if (unfinished.State == "running" && _options.TimeProvider.GetUtcNow() - unfinished.Created < OtherRun)
            {
                throw new BuildKitContainerException(
                    BuildKitContainerProblem.Different,
                    $"Another update of '{plan.Wanted.Engine}' runs, or was interrupted less than {OtherRun.TotalMinutes:0} minutes ago. Nothing was changed.");
            }

            await _containers.RemoveAsync(unfinished.Id, cancellationToken).ConfigureAwait(false);
        }

        if (plan.Current is { } current && current.Name != plan.Wanted.Engine)
        {
            await _containers.RenameAsync(current.Id, plan.Wanted.Engine, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string> CreateAsync(BuildKitContainerPlan plan, ContainerUndo undo, CancellationToken cancellationToken)
    {
        string name = plan.Wanted.Engine;
        await LoadAsync(plan, undo, cancellationToken).ConfigureAwait(false);
        if (plan.Change == BuildKitContainerChange.Updated)
        {
            string old = plan.Current!.Id;
            // After an interrupted update it was stopped by that.
            if (plan.Current.State == "running" || plan.Current.Name != name)
            {
                undo.Add($"the previous container '{name}' does not run", async token =>
                {
                    // A stop that was cancelled goes on in the Docker Engine; a start before its end would do nothing.
                    await _containers.StopAsync(old, token).ConfigureAwait(false);
                    await _containers.StartAsync(old, token).ConfigureAwait(false);
                });
            }

            await _containers.StopAsync(old, cancellationToken).ConfigureAwait(false);
            undo.Add($"the previous container is named '{name}{PreviousSuffix}'", async token =>
            {
                if (await _containers.FindAsync(old, token).ConfigureAwait(false) is { } renamed && renamed.Name != name)
                {
                    await _containers.RenameAsync(old, name, token).ConfigureAwait(false);
                }
            });
            await _containers.RenameAsync(old, name + PreviousSuffix, cancellationToken).ConfigureAwait(false);
        }

        string volume = plan.Wanted.CacheVolume;
        if (await _containers.FindVolumeAsync(volume, cancellationToken).ConfigureAwait(false) is null)
        {
            undo.Add($"the volume '{volume}' exists", async token =>
            {
                try
                {
                    await _containers.RemoveVolumeAsync(volume, token).ConfigureAwait(false);
                }
                catch (DockerEngineException e) when (e.Status == System.Net.HttpStatusCode.Conflict)
                {
                    // Another run has taken it for its container.
                }
            });
            await _containers.CreateVolumeAsync(volume, ContainerLabels.OfVolume(name), cancellationToken).ConfigureAwait(false);
        }

        string? id = null;
        bool isRefused = false;
        undo.Add($"the container '{name}' exists", async token =>
        {
            // Without an answer the container may exist; the id of the run tells it from one of another run.
            id ??= !isRefused && await FindNamedAsync(name, token).ConfigureAwait(false) is { } made && made.Labels?.Run == plan.Wanted.Run ? made.Id : null;
            if (id is not null)
            {
                await _containers.RemoveAsync(id, token).ConfigureAwait(false);
            }
        });
        try
        {
            return id = await _containers.CreateAsync(name, BodyOf(plan), cancellationToken).ConfigureAwait(false);
        }
        catch (DockerEngineException e) when (e.Status is not null)
        {
            isRefused = true;
            throw;
        }
    }

    /// <summary>Loads the image of an archive, unless the engine has it.</summary>
    private async Task LoadAsync(BuildKitContainerPlan plan, ContainerUndo undo, CancellationToken cancellationToken)
    {
        if (plan.Request.Archive is not { } archive || plan.Image != plan.Wanted.LoadedAs)
        {
            return;
        }

        if (await _client.GetAsync(PathOf(plan.Image) + "/json", cancellationToken).ConfigureAwait(false) is null)
        {
            undo.Add($"the image '{plan.Image}' exists", token => RemoveImageAsync(plan.Image, token));
        }

        // The store is not disposed of: the client belongs to this object.
        DockerImageStore store = new(_client);
        IReadOnlyList<Platform> platforms = await store.KeepsPlatformsAsync(cancellationToken).ConfigureAwait(false) ? [] : [Platform.Current];
        await store.ImportAsync(string.Empty, archive.Source, archive.Target, [plan.Image], new ImageImportOptions(platforms, false, null), cancellationToken).ConfigureAwait(false);
    }

    private async Task WaitAsync(string id, EngineAddress address, Func<EngineAddress, CancellationToken, Task> answers, TimeSpan limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(limit, _options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        Exception? last = null;
        TimeSpan pause = ShortestPause;
        while (true)
        {
            try
            {
                await answers(address, either.Token).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is IOException or RpcException)
            {
                last = e;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // The time is over; an earlier error says more.
            }

            DockerContainer? state = await _containers.FindAsync(id, cancellationToken).ConfigureAwait(false);
            bool isOver = state is null || state.RestartCount > MostRestarts || last is EngineConnectException { Reason: EngineConnectReason.HelperNotFound or EngineConnectReason.ProgramNotFound };
            if (isOver || timeout.IsCancellationRequested)
            {
                string log = state is null ? string.Empty : await _containers.ReadLogAsync(id, cancellationToken).ConfigureAwait(false);
                string what = state is null ? "the container was removed"
                    : state.RestartCount > MostRestarts ? $"the program in the container ended {state.RestartCount} times"
                    : last is null ? "it was not reached in time" : last.Message.TrimEnd('.');
                throw new BuildKitContainerException(
                    BuildKitContainerProblem.NotReady,
                    $"The engine in the container does not answer{(isOver ? "" : $" within {limit.TotalSeconds:0.###} s")}: {what}.{(log.Length == 0 ? "" : $" The container's log ends with: {log}")}",
                    last);
            }

            try
            {
                await Task.Delay(pause, _options.TimeProvider, either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Once more: the engine may answer now.
            }

            pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
        }
    }
}
