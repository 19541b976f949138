using Grpc.Core;
using OpenCloud.Build.Client.Containers.Runtime;
using OpenCloud.Build.Client.Protocol.Containerd.Containers;
using OpenCloud.Build.Client.Protocol.Containerd.Tasks;
using OpenCloud.Build.Client.Protocol.Containerd.Types;

namespace OpenCloud.Build.Client.Containers;

/// <summary>
/// Starts and stops the programs of containers beside containerd's restart monitor, which compares every 10 s what the labels of a container want with
/// what is (containerd, core/runtime/restart/restart.go and plugins/restart/monitor.go; in 1.7, runtime/restart). It leaves containers without the
/// label of the status alone: with <c>stopped</c> it would kill a program that still ends, or is about to start.
/// </summary>
internal sealed class ContainerdRestarts(ContainerdRuntime runtime)
{
    private const string PolicyLabel = "containerd.io/restart.policy";
    private const string StatusLabel = "containerd.io/restart.status";
    private const string Running = "running";

    // containerd, core/metadata/boltutil: a label without a value is removed.
    private const string NoStatus = "";
    private const uint Terminate = 15;
    private const uint Kill = 9;
    private const int MostRounds = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Marks a container that is started again whenever its program ends, but does not run yet.</summary>
    public static void AddTo(Container container) => container.Labels[PolicyLabel] = "always";

    /// <summary>Whether containerd starts a container again.</summary>
    public static bool IsKept(Container container) => container.Labels.TryGetValue(StatusLabel, out string? status) && status == Running;

    /// <summary>Starts a container, unless it runs, and lets containerd start it again from now on.</summary>
    public async Task StartAsync(Container container, string log, CancellationToken cancellationToken)
    {
        string id = container.Id;
        for (int round = 1; await runtime.FindTaskAsync(id, cancellationToken).ConfigureAwait(false) is not ProcessStatus.Running; round++)
        {
            await StopAsync(id, cancellationToken).ConfigureAwait(false);
            try
            {
                IReadOnlyList<Mount> root = await runtime.MountsAsync(container.Snapshotter, container.SnapshotKey, cancellationToken).ConfigureAwait(false);
                await runtime.CreateTaskAsync(id, root, log, cancellationToken).ConfigureAwait(false);
                await runtime.StartTaskAsync(id, cancellationToken).ConfigureAwait(false);
                break;
            }
            catch (RpcException e) when (round < MostRounds && MayPass(e))
            {
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }
        }

        await runtime.SetLabelsAsync(id, new Dictionary<string, string> { [StatusLabel] = Running }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops a container: first the monitor, then the program. One that does not end in time is killed.</summary>
    public async Task StopAsync(string id, CancellationToken cancellationToken)
    {
        // The monitor may be starting it just now, and replaces the labels that it has read before.
        for (int round = 1; round <= MostRounds; round++)
        {
            if (await runtime.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } container)
            {
                return;
            }

            bool isKept = container.Labels.ContainsKey(StatusLabel);
            ProcessStatus? task = await runtime.FindTaskAsync(id, cancellationToken).ConfigureAwait(false);
            if (!isKept && task is null)
            {
                return;
            }

            if (isKept)
            {
                await runtime.SetLabelsAsync(id, new Dictionary<string, string> { [StatusLabel] = NoStatus }, cancellationToken).ConfigureAwait(false);
            }

            if (task is null)
            {
                continue;
            }

            try
            {
                await EndAsync(id, task.Value, cancellationToken).ConfigureAwait(false);
            }
            catch (RpcException e) when (round < MostRounds && MayPass(e))
            {
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // The monitor, or a call of a run that was cancelled, may still be at work on the same program.
    private static bool MayPass(RpcException error) => error.StatusCode is StatusCode.Unknown or StatusCode.AlreadyExists or StatusCode.FailedPrecondition or StatusCode.NotFound or StatusCode.Internal or StatusCode.Aborted;

    private async Task EndAsync(string id, ProcessStatus task, CancellationToken cancellationToken)
    {
        if (task != ProcessStatus.Stopped)
        {
            // A program that has not begun ignores other signals, and one that is paused does not see them.
            bool isGentle = task == ProcessStatus.Running;
            await runtime.KillTaskAsync(id, isGentle ? Terminate : Kill, all: !isGentle, cancellationToken).ConfigureAwait(false);
            if (!await HasEndedAsync(id, cancellationToken).ConfigureAwait(false))
            {
                await runtime.KillTaskAsync(id, Kill, all: true, cancellationToken).ConfigureAwait(false);
                await HasEndedAsync(id, cancellationToken).ConfigureAwait(false);
            }
        }

        await runtime.DeleteTaskAsync(id, cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> HasEndedAsync(string id, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await runtime.WaitTaskAsync(id, patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled or StatusCode.DeadlineExceeded } && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
