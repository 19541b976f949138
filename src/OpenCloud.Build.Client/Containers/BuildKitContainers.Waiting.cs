using Grpc.Core;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Client.Containers;

/// <content>Waits for the engine in a container.</content>
public sealed partial class BuildKitContainers
{
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

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

            (bool isKnown, HostedContainer? state) = await StateAsync(id, timeout.IsCancellationRequested, either.Token, cancellationToken).ConfigureAwait(false);
            bool isGone = isKnown && state is null;
            bool isEnding = state?.Ends > _host.MostEnds;
            bool isOver = isGone || isEnding || last is EngineConnectException { Reason: EngineConnectReason.HelperNotFound or EngineConnectReason.ProgramNotFound };
            if (isOver || timeout.IsCancellationRequested)
            {
                string log = state is null ? string.Empty : await LogAsync(id, cancellationToken).ConfigureAwait(false);
                string what = isGone ? "the container was removed"
                    : isEnding ? state!.Ends == 1 ? "the program in the container ended" : $"the program in the container ended {state.Ends} times"
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

    // When the time is over, the state is only for the message: it has a short time of its own.
    private async Task<(bool IsKnown, HostedContainer? State)> StateAsync(string id, bool isLate, CancellationToken within, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(isLate ? cancellationToken : within);
        if (isLate)
        {
            late.CancelAfter(Late);
        }

        try
        {
            return (true, await _host.FindAsync(id, late.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (false, null);
        }
    }

    private async Task<string> LogAsync(string id, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(Late);
        try
        {
            return await _host.ReadLogAsync(id, late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return string.Empty;
        }
    }
}
