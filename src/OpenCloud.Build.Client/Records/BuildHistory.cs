using System.Runtime.CompilerServices;
using Grpc.Core;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Records;

/// <summary>The engine keeps no history of builds.</summary>
internal sealed class NoBuildHistoryException(string engine, Exception cause)
    : Exception($"The engine at {engine} keeps no history of builds.", cause);

/// <summary>An engine's history of builds.</summary>
internal sealed class BuildHistory(EngineChannel channel)
{
    private readonly Control.ControlClient _control = new(channel.Pooled);

    /// <summary>The engine's address.</summary>
    public string Engine => channel.Name;

    /// <summary>The builds, the newest first, those that run included.</summary>
    /// <param name="reference">The id of one build; all when nothing.</param>
    /// <param name="activeOnly">Only those that run.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="NoBuildHistoryException">There is no history.</exception>
    public async Task<IReadOnlyList<BuildRecord>> ListAsync(string? reference, bool activeOnly, CancellationToken cancellationToken)
    {
        List<BuildHistoryEvent> events = await ReadAsync(reference, activeOnly, cancellationToken).ConfigureAwait(false);
        return [.. events.Select(e => BuildRecord.From(e, Engine)).OrderByDescending(static r => r.Created)];
    }

    /// <summary>Finds a build by its id or the beginning of it.</summary>
    /// <returns>Nothing when there is none, or the beginning fits several.</returns>
    public async Task<BuildRecord?> FindAsync(string reference, CancellationToken cancellationToken)
    {
        IReadOnlyList<BuildRecord> records = await ListAsync(null, false, cancellationToken).ConfigureAwait(false);
        BuildRecord? exact = records.FirstOrDefault(r => r.Ref == reference);
        if (exact is not null)
        {
            return exact;
        }

        // Buildx's ids have the builder in front: builder/node/id.
        List<BuildRecord> fitting = records.Where(r => r.Ref.StartsWith(reference, StringComparison.Ordinal) || r.Ref.EndsWith("/" + reference, StringComparison.Ordinal)).ToList();
        return fitting.Count == 1 ? fitting[0] : reference.Contains('/', StringComparison.Ordinal)
            ? records.FirstOrDefault(r => r.Ref == reference[(reference.LastIndexOf('/') + 1)..])
            : null;
    }

    /// <summary>Forgets a build. One that runs cannot be forgotten.</summary>
    public Task RemoveAsync(string reference, CancellationToken cancellationToken) =>
        _control.UpdateBuildHistoryAsync(new UpdateBuildHistoryRequest { Ref = reference, Delete = true }, cancellationToken: cancellationToken).ResponseAsync;

    /// <summary>What happened in a build, from its beginning; with a build that runs, until it ends.</summary>
    /// <param name="reference">The build's id, in full.</param>
    /// <param name="idle">Ends it when nothing has come for so long; nothing to wait for the build's end.</param>
    /// <param name="raw">Hands out what steps wrote as it came (<see cref="StepWrote"/>), in place of lines.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <remarks>
    /// Control.Status replays the log of a build that has ended (moby/buildkit, solver/llbsolver/solver.go). How much of a
    /// running build is past is not told by anything but a pause.
    /// </remarks>
    public async IAsyncEnumerable<BuildEvent> ReadLogAsync(string reference, TimeSpan? idle, bool raw, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        BuildModel model = new() { KeepsPieces = raw };
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        IAsyncEnumerator<StatusResponse> answers = _control.Status(new StatusRequest { Ref = reference }, cancellationToken: stop.Token).ReadAllAsync().GetAsyncEnumerator(CancellationToken.None);
        try
        {
            while (true)
            {
                Task<bool> next = answers.MoveNextAsync().AsTask();
                if (idle is { } pause && await Task.WhenAny(next, Task.Delay(pause, cancellationToken)).ConfigureAwait(false) != next)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    await stop.CancelAsync().ConfigureAwait(false);
                    await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
                    break;
                }

                if (!await next.ConfigureAwait(false))
                {
                    break;
                }

                // A replay tells in one message of each time that a step ran; its end is the same for all of them by now.
                foreach (BuildEvent? happened in model.Apply(answers.Current).DistinctBy(static e => e is StepCompleted ? (object)e.Step : e))
                {
                    yield return happened;
                }
            }
        }
        finally
        {
            await answers.DisposeAsync().ConfigureAwait(false);
        }

        foreach (BuildEvent happened in model.Complete())
        {
            yield return happened;
        }
    }

    /// <summary>Writes builds with their logs, provenance and traces as an OCI layout.</summary>
    /// <exception cref="OciFormatException">A content is not what the history says, or is missing.</exception>
    public async Task ExportAsync(IReadOnlyList<string> references, IArchiveOutput output, CancellationToken cancellationToken)
    {
        List<BuildHistoryRecord> records = new();
        foreach (string reference in references)
        {
            List<BuildHistoryEvent> events = await ReadAsync(reference, false, cancellationToken).ConfigureAwait(false);
            BuildHistoryEvent last = events.LastOrDefault(static e => e.Record.CompletedAt is not null)
                ?? throw new InvalidOperationException($"The build '{reference}' is not in the history of {Engine}, or still runs.");
            await FinalizeAsync(reference, cancellationToken).ConfigureAwait(false);
            records.Add((await ReadAsync(reference, false, cancellationToken).ConfigureAwait(false)).LastOrDefault(static e => e.Record.CompletedAt is not null)?.Record ?? last.Record);
        }

        // The contents come over the connection of the control service; it serves those of the history read-only.
        ContentClient content = new(channel, null);
        await BuildHistoryArchive.WriteAsync(records, content, output, cancellationToken).ConfigureAwait(false);
    }

    // A trace is written when it is asked for, or minutes later (UpdateBuildHistoryRequest.finalize). Older engines take the
    // request for one to unpin.
    private async Task FinalizeAsync(string reference, CancellationToken cancellationToken)
    {
        try
        {
            await _control.UpdateBuildHistoryAsync(new UpdateBuildHistoryRequest { Ref = reference, Finalize = true }, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode is not (StatusCode.Unavailable or StatusCode.Cancelled))
        {
            // Without a trace the record is exported all the same.
        }
    }

    private async Task<List<BuildHistoryEvent>> ReadAsync(string? reference, bool activeOnly, CancellationToken cancellationToken)
    {
        BuildHistoryRequest request = new() { EarlyExit = true, ActiveOnly = activeOnly, Ref = reference ?? string.Empty };
        Dictionary<string, BuildHistoryEvent> events = new(StringComparer.Ordinal);
        try
        {
            await foreach (BuildHistoryEvent? happened in _control.ListenBuildHistory(request, cancellationToken: cancellationToken).ReadAllAsync().ConfigureAwait(false))
            {
                // A build that ends meanwhile is told twice.
                if (happened.Record is not null)
                {
                    events[happened.Record.Ref] = happened;
                }
            }
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            throw new NoBuildHistoryException(Engine, e);
        }

        return [.. events.Values];
    }
}
