using System.Diagnostics;
using System.Runtime.CompilerServices;
using Grpc.Core;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Records;

/// <summary>The engine keeps no history of builds.</summary>
public sealed class NoBuildHistoryException : Exception
{
    internal NoBuildHistoryException(string engine, Exception cause)
        : base($"The engine at {engine} does not keep a build history.", cause)
    {
    }
}

/// <summary>An engine's record of its builds, running and past.</summary>
public sealed class BuildHistory
{
    /// <summary>
    /// The past part of a running build's log comes at once. It has ended after a pause of this length, and also when this time has passed and
    /// the next message is not there yet: a step may write without a pause.
    /// </summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan LeastPause = TimeSpan.FromMilliseconds(20);

    /// <summary>The time for the first message.</summary>
    private static readonly TimeSpan FirstMessage = TimeSpan.FromSeconds(2);

    private readonly EngineChannel _channel;
    private readonly Control.ControlClient _control;

    internal BuildHistory(EngineChannel channel)
    {
        _channel = channel;
        _control = new Control.ControlClient(channel.Pooled);
    }

    /// <summary>The engine's address.</summary>
    public string Engine => _channel.Name;

    /// <summary>Lists builds, newest first, running ones included.</summary>
    /// <remarks>A null reference means all builds.</remarks>
    /// <exception cref="NoBuildHistoryException">The engine keeps no history.</exception>
    public async Task<IReadOnlyList<BuildRecord>> ListAsync(string? reference, bool activeOnly, CancellationToken cancellationToken)
    {
        List<BuildHistoryEvent> events = await ReadAsync(reference, activeOnly, cancellationToken).ConfigureAwait(false);
        return [.. events.Select(e => BuildRecord.From(e, Engine)).OrderByDescending(static r => r.Started)];
    }

    /// <summary>Finds a build by its id or a prefix of it.</summary>
    /// <returns>Null when no build matches, or several match the prefix.</returns>
    public async Task<BuildRecord?> FindAsync(string reference, CancellationToken cancellationToken)
    {
        IReadOnlyList<BuildRecord> records = await ListAsync(null, false, cancellationToken).ConfigureAwait(false);
        BuildRecord? exact = records.FirstOrDefault(r => r.Ref == reference);
        if (exact is not null)
        {
            return exact;
        }

        // Buildx prefixes its ids with the builder: builder/node/id.
        List<BuildRecord> fitting = records.Where(r => r.Ref.StartsWith(reference, StringComparison.Ordinal) || r.Ref.EndsWith("/" + reference, StringComparison.Ordinal)).ToList();
        return fitting.Count == 1 ? fitting[0] : reference.Contains('/', StringComparison.Ordinal)
            ? records.FirstOrDefault(r => r.Ref == reference[(reference.LastIndexOf('/') + 1)..])
            : null;
    }

    /// <summary>Removes a build from the history. A running build cannot be removed.</summary>
    public Task RemoveAsync(string reference, CancellationToken cancellationToken) =>
        _control.UpdateBuildHistoryAsync(new UpdateBuildHistoryRequest { Ref = reference, Delete = true }, cancellationToken: cancellationToken).ResponseAsync;

    /// <summary>The events of a build, by its full id, from its beginning; for a running build, until it ends.</summary>
    /// <remarks>
    /// Control.Status replays the log of a build that has ended (moby/buildkit, solver/llbsolver/solver.go). Only a pause shows where the past
    /// part of a running build's log ends: without <c>follow</c> reading stops after such a pause,
    /// with it <c>onCaughtUp</c> is called.
    /// </remarks>
    public async IAsyncEnumerable<BuildEvent> ReadLogAsync(string reference, bool follow, bool raw, Action? onCaughtUp, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        BuildModel model = new() { KeepsPieces = raw };
        long? first = null;
        bool isPast = true;
        bool isEnd = false;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        IAsyncEnumerator<StatusResponse> answers = _control.Status(new StatusRequest { Ref = reference }, cancellationToken: stop.Token).ReadAllAsync().GetAsyncEnumerator(CancellationToken.None);
        try
        {
            while (true)
            {
                Task<bool> next = answers.MoveNextAsync().AsTask();
                bool isSettled = false;
                while (!isSettled && await IsSilentAsync(next, isPast ? UntilPresent(first) : Pause, cancellationToken).ConfigureAwait(false))
                {
                    if (!follow)
                    {
                        await stop.CancelAsync().ConfigureAwait(false);
                        await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
                        isEnd = true;
                        break;
                    }

                    if (isPast)
                    {
                        isPast = false;
                        onCaughtUp?.Invoke();
                        continue;
                    }

                    isSettled = true;
                    foreach (BuildEvent happened in model.Settle())
                    {
                        yield return happened;
                    }
                }

                if (isEnd || !await next.ConfigureAwait(false))
                {
                    break;
                }

                first ??= Stopwatch.GetTimestamp();
                foreach (BuildEvent happened in model.Apply(answers.Current))
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

    private static async Task<bool> IsSilentAsync(Task next, TimeSpan wait, CancellationToken cancellationToken) =>
        !next.IsCompleted && await Task.WhenAny(next, Task.Delay(wait, cancellationToken)).ConfigureAwait(false) != next && !cancellationToken.IsCancellationRequested;

    /// <summary>The wait for the next message after which a build's past has ended.</summary>
    private static TimeSpan UntilPresent(long? first)
    {
        if (first is not { } begun)
        {
            return FirstMessage;
        }

        TimeSpan left = Pause - Stopwatch.GetElapsedTime(begun);
        return left > LeastPause ? left : LeastPause;
    }

    /// <summary>Exports builds with their logs, provenance and traces as an OCI layout.</summary>
    /// <exception cref="OciFormatException">A content is missing or differs from its description in the history.</exception>
    public async Task ExportAsync(IReadOnlyList<string> references, IArchiveOutput output, CancellationToken cancellationToken)
    {
        List<BuildHistoryRecord> records = new();
        foreach (string reference in references)
        {
            List<BuildHistoryEvent> events = await ReadAsync(reference, false, cancellationToken).ConfigureAwait(false);
            BuildHistoryEvent last = events.LastOrDefault(static e => e.Record.CompletedAt is not null)
                ?? throw new InvalidOperationException($"The build '{reference}' is not in the build history of {Engine}, or is still running.");
            await FinalizeAsync(reference, cancellationToken).ConfigureAwait(false);
            records.Add((await ReadAsync(reference, false, cancellationToken).ConfigureAwait(false)).LastOrDefault(static e => e.Record.CompletedAt is not null)?.Record ?? last.Record);
        }

        // The contents come over the control service's connection, which serves those of the history read-only.
        ContentClient content = new(_channel, null);
        await BuildHistoryArchive.WriteAsync(records, content, output, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads the statements about a build's results, by its full id: provenance, and an image's SBOM while the engine has it.</summary>
    /// <exception cref="OciFormatException">A statement is damaged.</exception>
    public async Task<IReadOnlyList<ContainerImageAttestation>> ReadAttestationsAsync(string reference, CancellationToken cancellationToken)
    {
        List<BuildHistoryEvent> events = await ReadAsync(reference, false, cancellationToken).ConfigureAwait(false);
        ContentClient content = new(_channel, null);
        List<ContainerImageAttestation> found = [];
        foreach (BuildHistoryRecord record in events.Where(static e => e.Record.CompletedAt is not null).Select(static e => e.Record))
        {
            foreach (BuildResultInfo result in record.Results.OrderBy(static r => r.Key, StringComparer.Ordinal).Select(static r => r.Value).Prepend(record.Result).OfType<BuildResultInfo>())
            {
                foreach (ContentDescriptor attestation in result.Attestations)
                {
                    if (ContentDigest.TryParse(attestation.Digest, out ContentDigest digest) && found.TrueForAll(f => f.Digest != attestation.Digest)
                        && await AttestationReader.ReadAsync(content, new OciDescriptor(attestation.MediaType, digest, attestation.Size) { Annotations = new Dictionary<string, string>(attestation.Annotations) }, reference, cancellationToken).ConfigureAwait(false) is { } read)
                    {
                        found.Add(read);
                    }
                }

                // The record itself lists provenance alone; the SBOM of an image is beside its manifests, as in a store (solver/llbsolver/history.go).
                foreach (ContentDescriptor image in result.Results.Values.Append(result.ResultDeprecated).Where(static d => d is not null && OciMediaTypes.IsIndex(d.MediaType)))
                {
                    if (ContentDigest.TryParse(image.Digest, out ContentDigest digest) && await content.GetLengthAsync(digest, cancellationToken).ConfigureAwait(false) is not null)
                    {
                        OpenedImage opened = new(new OciDescriptor(image.MediaType, digest, image.Size), content);
                        found.AddRange((await AttestationReader.ReadAsync(opened, reference, [], [AttestationKind.Sbom, AttestationKind.Other], cancellationToken).ConfigureAwait(false))
                            .Where(read => found.TrueForAll(f => f.Digest != read.Digest)));
                    }
                }
            }
        }

        return found;
    }

    // A trace is written on request, or minutes later (UpdateBuildHistoryRequest.finalize). Older engines interpret the request as one to unpin.
    private async Task FinalizeAsync(string reference, CancellationToken cancellationToken)
    {
        try
        {
            await _control.UpdateBuildHistoryAsync(new UpdateBuildHistoryRequest { Ref = reference, Finalize = true }, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode is not (StatusCode.Unavailable or StatusCode.Cancelled))
        {
            // The record is exported even without a trace.
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
                // A build that ends meanwhile is reported twice.
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
