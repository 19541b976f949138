using System.Management.Automation;
using Grpc.Core;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Containers;
using OpenCloud.Build.Hosts;
using OpenCloud.Build.Images;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets for engines as containers.</summary>
public abstract class ContainerCmdlet : ConnectingCmdlet
{
    // A failed run removes what it made, and waits for a container that stops.
    private protected static readonly TimeSpan UndoGrace = TimeSpan.FromSeconds(75);

    // One attempt of many, in which the docker command may log in to another machine. It is not repeated there: between two attempts the container's
    // state is looked at, and tells at once that its program ends again and again.
    private static readonly EngineConnectOptions Attempt = new() { ConnectTimeout = TimeSpan.FromSeconds(10), OnFailedAttempt = static attempt => throw attempt.Error };

    private readonly Dictionary<string, BuildKitContainers> _stores = new(StringComparer.Ordinal);
    private readonly WarnedOnce _warned = new();

    private protected ContainerCmdlet()
    {
    }

    /// <summary>The Docker Engine or the containerd that runs the containers.</summary>
    [Parameter]
    [Alias("Store")]
    [ArgumentCompleter(typeof(ImageStoreCompleter))]
    public string? Address { get; set; }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            foreach (BuildKitContainers store in _stores.Values)
            {
                // Completes synchronously: it only closes sockets.
                store.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>The containers of the command line's host, else of that of a piped container; opened once per pipeline.</summary>
    private protected BuildKitContainers Containers(BuildKitContainer? piped = null)
    {
        string? address = string.IsNullOrEmpty(Address) ? piped?.Store : Address;
        if (!_stores.TryGetValue(address ?? string.Empty, out BuildKitContainers? store))
        {
            EngineConnectOptions options = ConnectOptions with { OnWarning = Warn };
            store = BuildKitContainers.Open(EngineArguments.ParseAddress(address), options);
            _stores[address ?? string.Empty] = store;
        }

        return store;
    }

    /// <summary>Applies a plan, with messages, and what is to be done when the engine answers: when that fails, the plan is undone.</summary>
    private protected static async Task<BuildKitContainer> ApplyAsync(BuildKitContainers containers, BuildKitContainerPlan plan, TimeSpan limit, Action? then, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        poster.Progress(new ProgressSnapshot("Engine in a container", plan.Change == BuildKitContainerChange.None ? "The container runs" : $"{plan.Address}: waiting for the engine"));
        return await containers.ApplyAsync(
            plan,
            async (address, token) =>
            {
                BuildKitClient engine = await BuildKitClient.ConnectAsync(address, Attempt, token).ConfigureAwait(false);
                await engine.DisposeAsync().ConfigureAwait(false);
                then?.Invoke();
            },
            limit,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The container with its vsock port.</summary>
    private protected static BuildKitContainer WithVsock(BuildKitContainer container) => container with { VsockPort = ContainerVsockPorts.Find(container.Name, container.Store) };

    /// <summary>Opens and closes vsock ports; the user approved it.</summary>
    private protected ContainerVsockPorts VsockPorts(IPipelinePoster poster) => new(new CmdletObserver(this, poster, isApproved: true));

    /// <summary>Pulls an image that the host does not have, or always.</summary>
    /// <param name="containers">The host.</param>
    /// <param name="image">The image.</param>
    /// <param name="always">Whether it is pulled also when it exists.</param>
    /// <param name="poster">Asks the user.</param>
    /// <param name="cancellationToken">Cancels the pull.</param>
    /// <returns>Whether the image exists now, whether it was pulled, and its id before.</returns>
    private protected async Task<(bool Exists, bool IsPulled, string? PreviousId)> PullAsync(BuildKitContainers containers, ImageReference image, bool always, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        string? id = await containers.GetImageIdAsync(image, cancellationToken).ConfigureAwait(false);
        if (id is not null && !always)
        {
            return (true, false, id);
        }

        string name = image.WithDefaultTag().ToFamiliarString();
        if (!await poster.InvokeAsync(() => ShouldProcess(name, $"Pull the image into {containers.Store}")).ConfigureAwait(false))
        {
            return (id is not null, false, id);
        }

        poster.Progress(new ProgressSnapshot("Engine in a container", $"Pulling {name}"));
        await containers.PullAsync(image, cancellationToken).ConfigureAwait(false);
        return (true, true, id);
    }

    private protected static ImageReference ParseImage(string text) =>
        ImageReference.TryParse(text, out ImageReference? reference, out ImageReferenceError? error)
            ? reference
            : throw ErrorCatalog.InvalidImageReference.ToException(text, null, text, error.ToString());

    /// <summary>The only image of an archive or a layout.</summary>
    private protected static ArchivedImage SingleImage(ImageArchive archive, string path) => archive.Images is [var only] ? only
        : throw ErrorCatalog.BuildKitContainerImageUnusable.ToException(path, null, $"The archive '{path}' contains {archive.Images.Count} images instead of one.");

    /// <exception cref="BuildErrorException">The time is not positive.</exception>
    private protected static TimeSpan CheckTimeout(TimeSpan timeout) => timeout > TimeSpan.Zero && timeout < TimeSpan.FromDays(1) ? timeout : throw ErrorCatalog.InvalidDuration.ToException(timeout, null, "Timeout");

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        BuildKitContainerException container => EntryOf(container.Problem).ToRecord(target, container, container.Message),
        EngineConnectException connect => EngineErrors.From(connect).ToRecord(),
        HttpRequestException { InnerException: EngineConnectException connect } => EngineErrors.From(connect).ToRecord(),
        RpcException { StatusCode: StatusCode.Unimplemented } => ErrorCatalog.BuildKitContainerUnsupported.ToRecord(target, exception, $"{(string.IsNullOrEmpty(Address) ? "The address" : Address)} is not that of containerd: no containers are managed there. Nothing was changed."),
        RpcException call => ErrorCatalog.BuildKitContainerRefused.ToRecord(target, exception, call.Status.Detail),
        HostException host => HostErrors.From(host).ToRecord(),
        DockerEngineException or HttpRequestException => ErrorCatalog.BuildKitContainerRefused.ToRecord(target, exception, exception.Message),
        RegistryException registry => RegistryErrors.ToRecord(registry, target),
        OciFormatException => ErrorCatalog.ImageDamaged.ToRecord(target, exception, exception.Message),
        _ => base.ToRecord(exception, target),
    };

    private static ErrorEntry EntryOf(BuildKitContainerProblem problem) => problem switch
    {
        BuildKitContainerProblem.NotFound => ErrorCatalog.BuildKitContainerNotFound,
        BuildKitContainerProblem.Foreign => ErrorCatalog.BuildKitContainerForeign,
        BuildKitContainerProblem.Different => ErrorCatalog.BuildKitContainerDifferent,
        BuildKitContainerProblem.NetworkNotFound => ErrorCatalog.BuildKitContainerNetworkNotFound,
        BuildKitContainerProblem.ImageUnusable => ErrorCatalog.BuildKitContainerImageUnusable,
        BuildKitContainerProblem.Unsupported => ErrorCatalog.BuildKitContainerUnsupported,
        BuildKitContainerProblem.Unreachable => ErrorCatalog.BuildKitContainerUnreachable,
        BuildKitContainerProblem.NotReady => ErrorCatalog.BuildKitContainerNotReady,
        BuildKitContainerProblem.NotUndone => ErrorCatalog.BuildKitContainerNotUndone,
        BuildKitContainerProblem.FolderUnusable => ErrorCatalog.BuildKitContainerFolderUnusable,
        _ => ErrorCatalog.BuildKitContainerNameInvalid,
    };

    private void Warn(string text)
    {
        if (Poster is { } poster)
        {
            _warned.Warn(text, poster);
        }
    }
}
