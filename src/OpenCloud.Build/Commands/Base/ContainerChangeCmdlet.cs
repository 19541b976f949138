using System.Management.Automation;
using Grpc.Core;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Host.Containers;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that make or replace an engine as a container: from which image, and how long to wait for it.</summary>
public abstract class ContainerChangeCmdlet : ContainerCmdlet
{
    private protected ContainerChangeCmdlet()
    {
    }

    /// <summary>The image.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string? Image { get; set; }

    /// <summary>An archive or an OCI layout with the image.</summary>
    [Parameter]
    [TextTransform("ImagePath", TakesFiles = true)]
    public string? ImagePath { get; set; }

    /// <summary>Pulls the image also when it exists.</summary>
    [Parameter]
    public SwitchParameter Pull { get; set; }

    /// <summary>The network of the container.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ContainerNetworkCompleter))]
    public string? Network { get; set; }

    /// <summary>The AF_VSOCK port of this machine that leads to the engine.</summary>
    [Parameter]
    [ValidateRange(0u, 4294967294u)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public uint VsockPort { get; set; }

    /// <summary>How long to wait for the engine.</summary>
    [Parameter]
    [DurationTransform]
    [ArgumentCompleter(typeof(DurationCompleter))]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Makes what the request asks for, when the user agrees; an update also changes a container that exists.</summary>
    private protected void Change(BuildKitContainers containers, BuildKitContainerRequest request, string? defaultImage, bool isUpdate)
    {
        TimeSpan limit = CheckTimeout(Timeout);
        if (!string.IsNullOrEmpty(Image) && !string.IsNullOrEmpty(ImagePath))
        {
            throw ErrorCatalog.ParameterConflict.ToException(ImagePath, null, "Image", "ImagePath");
        }

        string? path = string.IsNullOrEmpty(ImagePath) ? null : ArchiveArguments.Resolve(this, ImagePath, isLiteral: true)[0];
        string? text = path is not null ? null : !string.IsNullOrEmpty(Image) ? Image : defaultImage;
        ImageReference? reference = text is null ? null : ParseImage(text);
        RunAsync(
            async (poster, cancellationToken) =>
            {
                using ImageArchive? archive = path is null ? null : await ImageArchive.OpenAsync(path, cancellationToken).ConfigureAwait(false);
                using OpenedImage? opened = archive is null ? null : OpenedImage.Of(archive, SingleImage(archive, path!));
                await containers.CheckAsync(request with { Image = reference }, isUpdate, cancellationToken).ConfigureAwait(false);
                ContainerVsock? vsock = VsockPort == 0 ? null : VsockOf(containers, request.Name);
                if (vsock is not null && !IsPlanOnly)
                {
                    ContainerVsockPorts.Check(vsock);
                }

                if (Pull && path is null && reference is null)
                {
                    // The image of the container is pulled again.
                    string recorded = (await containers.GetAsync(request.Name, cancellationToken).ConfigureAwait(false)).Image;
                    reference = recorded.StartsWith('/') ? throw ErrorCatalog.ParameterMissing.ToException(request.Name, null, nameof(Image)) : ParseImage(recorded);
                }

                (bool exists, bool isPulled, string? previousId) = reference is null ? (true, false, null)
                    : await PullAsync(containers, reference, Pull, poster, cancellationToken).ConfigureAwait(false);
                if (!exists && !IsPlanOnly)
                {
                    return;
                }

                bool isUsed = false;
                try
                {
                    BuildKitContainerPlan plan = await containers.PlanAsync(
                        request with { Image = reference, Archive = opened, ArchivePath = path, AllowsMissingImage = !exists }, isUpdate, cancellationToken).ConfigureAwait(false);
                    if (plan.Change == BuildKitContainerChange.Updated && !isUpdate)
                    {
                        throw ErrorCatalog.BuildKitContainerDifferent.ToException(request.Name, null, $"The container '{request.Name}' exists and has {string.Join(", ", plan.Differences)}. It was not changed.");
                    }

                    if (plan.Change == BuildKitContainerChange.None || await poster.InvokeAsync(() => ShouldProcess($"{request.Name} in {containers.Store}", plan.Description)).ConfigureAwait(false))
                    {
                        Action? vsockChange = await ApproveVsockAsync(containers, request.Name, vsock, poster, cancellationToken).ConfigureAwait(false);
                        BuildKitContainer container = await ApplyAsync(containers, plan, limit, vsockChange, poster, cancellationToken).ConfigureAwait(false);
                        isUsed = true;
                        poster.Output(WithVsock(container));
                    }
                    else if (IsPlanOnly)
                    {
                        await ApproveVsockAsync(containers, request.Name, vsock, poster, cancellationToken).ConfigureAwait(false);
                    }
                }
                finally
                {
                    if (isPulled)
                    {
                        await CleanAsync(containers, reference!, previousId, isUsed, poster).ConfigureAwait(false);
                    }
                }
            },
            UndoGrace);
    }

    // What makes the port that the user gave, where 0 closes the one there is; null when nothing is to be done, or the user declined.
    private async Task<Action?> ApproveVsockAsync(BuildKitContainers containers, string name, ContainerVsock? wanted, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        uint? port = ContainerVsockPorts.Find(name, containers.Store);
        if (!MyInvocation.BoundParameters.ContainsKey(nameof(VsockPort)) || (wanted is null && port is null))
        {
            return null;
        }

        string action = wanted is null ? "Close the port to the engine" : port == wanted.Port ? "Check the port to the engine" : "Open a port to the engine";
        return !await poster.InvokeAsync(() => ShouldProcess($"vsock port {wanted?.Port ?? port} of this machine", $"{action} in {name}")).ConfigureAwait(false) ? null
            : wanted is null ? () => VsockPorts(poster).Close(name, containers.Store, cancellationToken)
            : () => VsockPorts(poster).Open(wanted, cancellationToken);
    }

    /// <exception cref="BuildErrorException">The engine is not on this machine.</exception>
    private ContainerVsock VsockOf(BuildKitContainers containers, string name)
    {
        const string Docker = "docker:///";
        ContainerVsock wanted = new() { Engine = name, Store = containers.Store, Port = VsockPort };
        return containers.AddressOf(name) is { Scheme: "unix", Path: { } socket } ? wanted with { Socket = socket }
            : containers.Store.StartsWith(Docker, StringComparison.Ordinal) ? wanted with { DockerSocket = containers.Store[(Docker.Length - 1)..] }
            : throw ErrorCatalog.BuildKitContainerUnsupported.ToException(name, null, $"A vsock port of this machine leads only to engines on this machine, and {containers.Store} is another one. Nothing was changed.");
    }

    // After a failure the reference means the image again that it meant before; after a success that image is removed if nothing else uses it. The
    // error of the run counts, not that of this.
    private static async Task CleanAsync(BuildKitContainers containers, ImageReference image, string? previousId, bool isUsed, IPipelinePoster poster)
    {
        try
        {
            using CancellationTokenSource brief = new(TimeSpan.FromSeconds(20));
            if (!isUsed)
            {
                await containers.UndoPullAsync(image, previousId, brief.Token).ConfigureAwait(false);
            }
            else if (previousId is not null)
            {
                await containers.RemoveUntaggedImageAsync(previousId, brief.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is DockerEngineException or RpcException or HttpRequestException or IOException or OperationCanceledException)
        {
            poster.Warning(isUsed
                ? $"The previous image of '{image.ToFamiliarString()}' is not removed: {TerminalText.Line(e.Message)}"
                : $"The pull of '{image.ToFamiliarString()}' is not undone: {TerminalText.Line(e.Message)}");
        }
    }
}
