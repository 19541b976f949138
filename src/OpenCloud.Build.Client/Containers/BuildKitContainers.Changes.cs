using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Containers;

/// <content>What changes containers.</content>
public sealed partial class BuildKitContainers
{
    // For so long, a new container beside the previous one belongs to an update that still waits for it.
    private static readonly TimeSpan OtherRun = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Cleanup = TimeSpan.FromSeconds(30);

    /// <summary>Applies a plan and waits until the engine answers. A failure undoes what this call changed.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="answers">Connects to the engine at an address, and returns when it answers.</param>
    /// <param name="limit">How long to wait for the engine.</param>
    /// <param name="cancellationToken">Cancels the change, which is then undone.</param>
    /// <exception cref="ArgumentException">The image of the plan is missing.</exception>
    /// <exception cref="BuildKitContainerException">The engine did not answer, or what was changed could not be undone.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task<BuildKitContainer> ApplyAsync(
        BuildKitContainerPlan plan, Func<EngineAddress, CancellationToken, Task> answers, TimeSpan limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(answers);
        if (plan.IsImageMissing)
        {
            throw new ArgumentException("The image of the plan is missing.", nameof(plan));
        }

        string name = plan.Wanted.Engine;
        await RemoveReplacedAsync(name).ConfigureAwait(false);
        if (plan.Change == BuildKitContainerChange.None)
        {
            await WaitAsync(plan.Current!.Id, plan.Address, answers, limit, cancellationToken).ConfigureAwait(false);
            return Describe(plan.Current, plan.Change);
        }

        await RestoreAsync(plan, cancellationToken).ConfigureAwait(false);
        ContainerUndo undo = new();
        try
        {
            string id = plan.Change == BuildKitContainerChange.Started ? plan.Current!.Id : await CreateAsync(plan, undo, cancellationToken).ConfigureAwait(false);
            if (plan.Change == BuildKitContainerChange.Started && plan.Current!.State is "created" or "exited")
            {
                undo.Add($"the container '{name}' runs", token => _host.StopAsync(id, token));
            }

            await _host.StartAsync(id, cancellationToken).ConfigureAwait(false);
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
            await RemovePreviousAsync(plan).ConfigureAwait(false);
        }

        return Describe(await _host.FindNamedAsync(name, cancellationToken).ConfigureAwait(false) is { Labels: not null } made ? made : throw NotFound(name), plan.Change);
    }

    /// <summary>Removes a container, the image that was loaded for it, and its cache.</summary>
    /// <param name="name">The name of the container.</param>
    /// <param name="keepCache">Whether the volume of the cache stays. A volume that this library did not make always stays.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="BuildKitContainerException">There is no such container, or this library did not make it.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task RemoveAsync(string name, bool keepCache, CancellationToken cancellationToken = default)
    {
        CheckNames(new BuildKitContainerRequest { Name = name });
        (HostedContainer? current, HostedContainer? unfinished) = await FindAsync(name, cancellationToken).ConfigureAwait(false);
        HostedContainer? replaced = await FindReplacedAsync(name, cancellationToken).ConfigureAwait(false);
        HostedContainer? found = unfinished ?? current ?? replaced;
        string? cache = keepCache ? null : found is null ? await FindCacheAsync(name, cancellationToken).ConfigureAwait(false) : found.Labels!.CacheVolume;
        if (found is null && cache is null)
        {
            throw NotFound(name);
        }

        foreach (HostedContainer container in new[] { unfinished, replaced, current }.OfType<HostedContainer>())
        {
            // The engine may write its databases first.
            await _host.StopAsync(container.Id, cancellationToken).ConfigureAwait(false);
            await _host.RemoveAsync(container.Id, cancellationToken).ConfigureAwait(false);
            await RemoveLoadedAsync(container.Labels!, cancellationToken).ConfigureAwait(false);
        }

        if (cache is not null && await IsOwnVolumeAsync(cache, name, cancellationToken).ConfigureAwait(false))
        {
            await _host.RemoveVolumeAsync(cache, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The volume with the cache that a removed container left, by its default name; null for none.</summary>
    /// <param name="name">The name of the container.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="BuildKitContainerException">The name is invalid.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<string?> FindCacheAsync(string name, CancellationToken cancellationToken = default)
    {
        CheckNames(new BuildKitContainerRequest { Name = name });
        return await IsOwnVolumeAsync(name + "-cache", name, cancellationToken).ConfigureAwait(false) ? name + "-cache" : null;
    }

    /// <summary>One container.</summary>
    /// <exception cref="BuildKitContainerException">There is no such container, or this library did not make it.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<BuildKitContainer> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        CheckNames(new BuildKitContainerRequest { Name = name });
        (HostedContainer? current, HostedContainer? unfinished) = await FindAsync(name, cancellationToken).ConfigureAwait(false);
        return (unfinished ?? current) is { Labels: not null } found ? Describe(found, BuildKitContainerChange.None) : throw NotFound(name);
    }

    private async Task<bool> IsOwnVolumeAsync(string volume, string engine, CancellationToken cancellationToken) =>
        (await _host.FindVolumeAsync(volume, cancellationToken).ConfigureAwait(false))?.Engine == engine;

    // The new engine answers: the previous container goes, also when the run is cancelled now, and a failure of that is none of the update. Its
    // name says so first: the next run must not take it for the rest of an update that was interrupted, and go back to it.
    private async Task RemovePreviousAsync(BuildKitContainerPlan plan)
    {
        HostedContainer old = plan.Current!;
        string name = plan.Wanted.Engine;
        await CleanAsync(name, token => _host.RenameAsync(old.Id, name + ReplacedSuffix, token)).ConfigureAwait(false);
        await CleanAsync(name, async token =>
        {
            await _host.RemoveAsync(old.Id, token).ConfigureAwait(false);
            if (old.Labels!.LoadedAs != plan.Wanted.LoadedAs)
            {
                await RemoveLoadedAsync(old.Labels, token).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    /// <summary>Completes an update whose last step failed.</summary>
    private Task RemoveReplacedAsync(string name) => CleanAsync(name, async token =>
    {
        if (await FindReplacedAsync(name, token).ConfigureAwait(false) is not { } replaced)
        {
            return;
        }

        await _host.RemoveAsync(replaced.Id, token).ConfigureAwait(false);
        if ((await _host.FindNamedAsync(name, token).ConfigureAwait(false))?.Labels?.LoadedAs != replaced.Labels!.LoadedAs)
        {
            await RemoveLoadedAsync(replaced.Labels, token).ConfigureAwait(false);
        }
    });

    private async Task CleanAsync(string name, Func<CancellationToken, Task> clean)
    {
        try
        {
            using CancellationTokenSource brief = new(Cleanup);
            await clean(brief.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (_host.IsFailure(e) || e is OperationCanceledException)
        {
            _options.OnWarning?.Invoke($"The previous container of '{name}' is not removed yet: {TerminalText.Line(e.Message)} The next run of Update-BuildKitContainer removes it.");
        }
    }

    // A label can name any image; this library loads only under its own names.
    private async Task RemoveLoadedAsync(ContainerLabels labels, CancellationToken cancellationToken)
    {
        if (labels.LoadedAs.StartsWith(LoadedPrefix, StringComparison.Ordinal))
        {
            await _host.RemoveImageAsync(labels.LoadedAs, cancellationToken).ConfigureAwait(false);
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

            await _host.RemoveAsync(unfinished.Id, cancellationToken).ConfigureAwait(false);
        }

        if (plan.Current is { } current && current.Name != plan.Wanted.Engine)
        {
            await _host.RenameAsync(current.Id, plan.Wanted.Engine, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string> CreateAsync(BuildKitContainerPlan plan, ContainerUndo undo, CancellationToken cancellationToken)
    {
        string name = plan.Wanted.Engine;
        if (plan.Request.Archive is { } archive && plan.Image == plan.Wanted.LoadedAs)
        {
            await _host.LoadAsync(archive, plan.Image, undo, cancellationToken).ConfigureAwait(false);
        }

        if (plan.Change == BuildKitContainerChange.Updated)
        {
            string old = plan.Current!.Id;
            // After an interrupted update it was stopped by that.
            if (plan.Current.State == "running" || plan.Current.Name != name)
            {
                undo.Add($"the previous container '{name}' does not run", async token =>
                {
                    // A stop that was cancelled goes on in the Docker Engine; a start before its end would do nothing.
                    await _host.StopAsync(old, token).ConfigureAwait(false);
                    await _host.StartAsync(old, token).ConfigureAwait(false);
                });
            }

            await _host.StopAsync(old, cancellationToken).ConfigureAwait(false);
            undo.Add($"the previous container is named '{name}{PreviousSuffix}'", async token =>
            {
                if (await _host.FindAsync(old, token).ConfigureAwait(false) is { } renamed && renamed.Name != name)
                {
                    await _host.RenameAsync(old, name, token).ConfigureAwait(false);
                }
            });
            await _host.RenameAsync(old, name + PreviousSuffix, cancellationToken).ConfigureAwait(false);
        }

        string volume = plan.Wanted.CacheVolume;
        if (await _host.FindVolumeAsync(volume, cancellationToken).ConfigureAwait(false) is null)
        {
            undo.Add($"the volume '{volume}' exists", async token =>
            {
                try
                {
                    await _host.RemoveVolumeAsync(volume, token).ConfigureAwait(false);
                }
                catch (Exception e) when (_host.IsUse(e))
                {
                    // Another run has taken it for its container.
                }
            });
            await _host.CreateVolumeAsync(volume, name, cancellationToken).ConfigureAwait(false);
        }

        string? id = null;
        bool isRefused = false;
        undo.Add($"the container '{name}' exists", async token =>
        {
            // Without an answer the container may exist; the id of the run tells it from one of another run.
            id ??= !isRefused && await _host.FindNamedAsync(name, token).ConfigureAwait(false) is { } made && made.Labels?.Run == plan.Wanted.Run ? made.Id : null;
            if (id is not null)
            {
                await _host.RemoveAsync(id, token).ConfigureAwait(false);
            }
        });
        try
        {
            return id = await _host.CreateAsync(name, plan.Image, plan.Wanted, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (_host.IsRefusal(e))
        {
            isRefused = true;
            throw;
        }
    }
}
