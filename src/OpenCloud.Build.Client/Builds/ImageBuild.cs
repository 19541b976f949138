using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire.Grpc;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Builds;

/// <summary>One build: runs session, Solve and Status concurrently until all of them have ended.</summary>
internal sealed class ImageBuild
{
    private readonly DedicatedCallInvoker _invoker;
    private readonly Control.ControlClient _control;
    private readonly EngineProfile _engine;
    private readonly ImageBuildRequest _request;
    private readonly JoinedBuild? _joined;
    private readonly BuildModel _model = new();
    private readonly BuildWarnings _warnings;
    private readonly string _reference = BuildIdentity.New();
    private readonly StatusFollower _status;

    private ImageBuild(DedicatedCallInvoker invoker, EngineProfile engine, ImageBuildRequest request, JoinedBuild? joined, IBuildObserver? observer)
    {
        _joined = joined;
        _invoker = invoker;
        _control = new Control.ControlClient(invoker);
        _engine = engine;
        _request = request;
        _status = new StatusFollower(token => _control.Status(new StatusRequest { Ref = _reference }, cancellationToken: token).ReadAllAsync(), _model, observer, invoker.Engine.Clock);
        _warnings = new BuildWarnings(_status.Warn);
    }

    /// <summary>Runs a build; <paramref name="joined"/> is what it has in common with others, null for none.</summary>
    /// <exception cref="ImageBuildException">The build failed.</exception>
    /// <exception cref="EngineConnectException">No node of the engine can be used; nothing has begun.</exception>
    /// <exception cref="OperationCanceledException">The build was cancelled, also on the daemon.</exception>
    public static async Task<ImageBuildResult> RunAsync(
        EngineChannel channel, EngineProfile engine, ImageBuildRequest request, JoinedBuild? joined, IBuildObserver? observer, CancellationToken cancellationToken)
    {
        if (joined is null)
        {
            RefuseTargets(engine, request);
        }

        EngineChannel node = channel.For(request.ContextPath);
        try
        {
            using TimeLimit? limit = BeginLimit(request.Timeout, cancellationToken);
            if (joined is not null)
            {
                joined.Limit = limit;
            }

            await ChooseNodeAsync(node, engine, request, limit?.Token ?? cancellationToken, cancellationToken).ConfigureAwait(false);
            return await RunOnNodeAsync(node, engine.At(node.Address), request, joined, observer, limit?.Token ?? cancellationToken, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (node != channel)
            {
                await node.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    // A node that cannot be chosen is an engine that is not reached: nothing of the build has begun.
    private static async Task ChooseNodeAsync(EngineChannel node, EngineProfile engine, ImageBuildRequest request, CancellationToken token, CancellationToken cancellationToken)
    {
        try
        {
            await node.ChooseNodeAsync(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (token.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw OutOfTime(engine, request, "no node was chosen yet", e);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested && e.CancellationToken != cancellationToken)
        {
            throw new OperationCanceledException("The build was cancelled.", e, cancellationToken);
        }
    }

    private static async Task<ImageBuildResult> RunOnNodeAsync(
        EngineChannel node, EngineProfile engine, ImageBuildRequest request, JoinedBuild? joined, IBuildObserver? observer, CancellationToken token, CancellationToken cancellationToken)
    {
        using DedicatedCallInvoker invoker = node.OpenDedicated();
        ImageBuild build = new(invoker, engine, request, joined, observer);
        try
        {
            return await invoker.Work.Run(() => build.RunAsync(token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (token.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw build.OutOfTime(e);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested && e.CancellationToken != cancellationToken)
        {
            // The exception carries the caller's token, not the internal one.
            throw new OperationCanceledException("The build was cancelled.", e, cancellationToken);
        }
    }

    /// <summary>Refuses contexts that are results of other builds, where there are no others.</summary>
    /// <exception cref="ImageBuildException">The request has one.</exception>
    public static void RefuseTargets(EngineProfile engine, ImageBuildRequest request)
    {
        if (request.DependsOn is [{ } other, ..])
        {
            throw OutputPlan.Refuse(engine, $"A build context is the result of the build '{other}', but this build is not in a set.");
        }
    }

    /// <summary>Begins the build's time limit; null without one. A timer cannot wait for longer than 49 days.</summary>
    private static TimeLimit? BeginLimit(TimeSpan? timeout, CancellationToken cancellationToken)
    {
        if (timeout is not { TotalDays: < 40 } limit)
        {
            return null;
        }

        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(ImageBuildRequest.Timeout));
        return new TimeLimit(limit, cancellationToken);
    }

    private ImageBuildException OutOfTime(OperationCanceledException stopped)
    {
        // The daemon's last messages report a step that was running as cancelled.
        string[] running = [.. _model.Steps.Where(static s => s.IsRunning || s.IsCancelled).Select(static s => s.Name)];
        string where = running.Length == 0 ? "no step was running" : $"running steps: {string.Join(", ", running)}";
        return OutOfTime(_engine, _request, where, stopped, _reference, _model.Steps);
    }

    private static ImageBuildException OutOfTime(EngineProfile engine, ImageBuildRequest request, string where, OperationCanceledException stopped, string reference = "", IReadOnlyList<BuildStep>? steps = null) =>
        new(BuildFailureKind.TimedOut, string.Create(CultureInfo.InvariantCulture, $"The build took longer than {request.Timeout} and was stopped; {where}."), stopped)
        {
            Address = engine.Address.ToString(),
            Ref = reference,
            Steps = steps ?? [],
        };

    private async Task<ImageBuildResult> RunAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        Stopwatch clock = Stopwatch.StartNew();
        ImageMetadata.Check(_request);
        DockerfileContent? dockerfile = DockerfileContent.Of(_request, cancellationToken);
        BuildInputs inputs = BuildInputs.Of(_request, dockerfile);
        InputServices services = new(_request, inputs, new ContextChanges(_request.StrictContext, _warnings.Add));
        using BuildAttachments attachments = BuildAttachments.Create(_request, dockerfile, _engine, inputs.CreateContentStores(), cancellationToken);
        await CheckEngineAsync(attachments, cancellationToken).ConfigureAwait(false);
        Warn(attachments.Warnings);
        IReadOnlyDictionary<string, string> response;
        using IDisposable? membership = _joined?.Shared?.Join(_warnings.Add);
        try
        {
            BuildSession session = await services.OpenSessionAsync(_invoker, attachments.BindTo, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                response = await SolveAsync(session, inputs, attachments, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is RpcException or EngineConnectException)
        {
            RpcException error = BuildFailure.Lost(e);
            Exception? unsent = services.Failure ?? _joined?.Shared?.FailureIn(error.Status.Detail);
            ImageBuildException failure = BuildFailure.From(AttributeSecrets.Hide(error, _request), _model, _engine.Address.ToString(), _reference, unsent, _request, dockerfile);
            failure = attachments.Failure is { } own ? failure.Because(own) : failure;
            throw attachments.ExplainWithheld(failure) is { } hint ? failure.WithHint(hint) : failure;
        }

        Commit(attachments, response);
        Warn(attachments.Warnings);
        Warn(_status.Warnings);
        (long files, long bytes) = _joined?.Shared?.Claim() ?? default;
        return new ImageBuildResult
        {
            References = _request.References,
            Digest = response.GetValueOrDefault("containerimage.digest"),
            ConfigDigest = response.GetValueOrDefault("containerimage.config.digest"),
            Address = _engine.Address.ToString(),
            Store = _engine.StoreAddress,
            Namespace = _engine.ContainerdNamespace,
            EngineVersion = _engine.Version,
            Platforms = _request.Platforms.Count > 0 ? _request.Platforms : [.. _engine.Platforms.Take(1)],
            Path = ContextLocation.WithoutSecrets(_request.ContextPath),
            Started = started,
            Duration = clock.Elapsed,
            Steps = _model.Steps,
            Warnings = [.. _warnings.All, .. _model.Warnings],
            BytesSent = services.Counters.BytesSent + bytes,
            FilesSent = services.Counters.FilesSent + files,
            Ref = _reference,
            ExporterResponse = response,
        };
    }

    private async Task CheckEngineAsync(BuildAttachments attachments, CancellationToken cancellationToken)
    {
        foreach (ExtraHost host in _request.Execution.ExtraHosts)
        {
            _ = host.Resolve(_engine);
        }

        if (attachments.Outputs.Count < 2)
        {
            return;
        }

        try
        {
            if (await EngineCapabilities.HasAsync(_invoker, EngineCapabilities.MultipleExporters, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }
        catch (Exception e) when (e is RpcException or EngineConnectException)
        {
            throw BuildFailure.From(BuildFailure.Lost(e), _model, _engine.Address.ToString(), _reference, null, null);
        }

        throw new ImageBuildException(
            BuildFailureKind.Unsupported,
            $"The engine {_engine.Address} supports one output per build, but {attachments.Outputs.Count} are requested. Several outputs require BuildKit 0.13 or later.",
            null)
        {
            Address = _engine.Address.ToString(),
            Ref = string.Empty,
        };
    }

    private void Commit(BuildAttachments attachments, IReadOnlyDictionary<string, string> response)
    {
        try
        {
            attachments.Commit(response);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageBuildException(BuildFailureKind.OutputFailed, e.Message, e)
            {
                Address = _engine.Address.ToString(),
                Ref = _reference,
                Steps = _model.Steps,
            };
        }
    }

    private async Task<IReadOnlyDictionary<string, string>> SolveAsync(BuildSession session, BuildInputs inputs, BuildAttachments attachments, CancellationToken cancellationToken)
    {
        SolveRequest request = SolveRequestFactory.Create(_request, _engine, inputs, attachments.Outputs, _reference, session.Id);
        attachments.Apply(request);
        Gateway.SolveRequest? diverted = _joined?.Divert(request, _request, inputs);
        using CancellationTokenSource solveStop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using CancellationTokenSource statusStop = new();
        CancellationToken solveToken = solveStop.Token;
        CancellationToken statusToken = statusStop.Token;
        Task<SolveResponse> solve = _control.SolveAsync(request, cancellationToken: solveToken).ResponseAsync;
        Task status = _invoker.Work.Run(() => _status.FollowAsync(solve, statusToken));

        try
        {
            Task<SolveResponse> work = diverted is null ? solve : _joined!.RunAsync(_invoker, request, diverted, solve, solveStop);
            SolveResponse response = await session.WhileOpenAsync(work, solveStop, cancellationToken).ConfigureAwait(false);
            return new Dictionary<string, string>(response.ExporterResponse, StringComparer.Ordinal);
        }
        finally
        {
            await _status.EndAsync(status, statusStop, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Warn(IEnumerable<string> warnings)
    {
        foreach (string warning in warnings)
        {
            _warnings.Add(warning);
        }
    }
}
