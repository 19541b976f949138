using System.Runtime.CompilerServices;
using Grpc.Core;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client;

/// <summary>
/// A client of a BuildKit daemon, standalone or inside a Docker Engine. Builds may run concurrently on one client; each has its own
/// connections, which end with the build or with the client.
/// </summary>
public sealed class BuildKitClient : IAsyncDisposable
{
    // An engine whose HTTP/2 has begun exists: it is busy, and gets longer than one that may not exist.
    private static readonly TimeSpan LongestFirstAnswer = TimeSpan.FromSeconds(30);

    private readonly EngineChannel _channel;
    private readonly EngineProfile _engine;

    private readonly EngineConnectOptions _options;

    private BuildKitClient(EngineChannel channel, EngineProfile engine, EngineConnection connection, EngineConnectOptions options)
    {
        _channel = channel;
        _engine = engine;
        _options = options;
        Source = connection.Source;
        PassedOver = connection.PassedOver;
    }

    /// <summary>Where the address came from: <c>given</c>, <c>$BUILDKIT_HOST</c>, ….</summary>
    public string Source { get; }

    /// <summary>The engines that were tried before this one and passed over; empty when the address was given.</summary>
    public IReadOnlyList<PassedOverEngine> PassedOver { get; }

    /// <summary>The engine's address.</summary>
    public EngineAddress Address => _engine.Address;

    /// <summary>The version that the engine reports; null when it reports none.</summary>
    public string? EngineVersion => _engine.Version;

    /// <summary>The platforms of the engine's default worker, its own first.</summary>
    public IReadOnlyList<string> Platforms => _engine.Platforms;

    /// <summary>False when a built image exists only in the engine's cache, because its worker has no image store.</summary>
    public bool KeepsImages => _engine.KeepsImages;

    /// <summary>The engine's history of builds, running and past.</summary>
    public BuildHistory History => new(_channel);

    internal EngineChannel Channel => _channel;

    /// <summary>The control service on the connection that all calls except a build's share.</summary>
    internal Control.ControlClient Control => new(_channel.Pooled);

    internal EngineProfile Engine => _engine;

    /// <summary>Connects to an engine and asks for its workers. Waits for an engine that is still starting.</summary>
    /// <param name="address">The address; null for the first engine found in the usual places.</param>
    /// <param name="options">The connection options; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="EngineConnectException">No connection was established, or the peer is not BuildKit.</exception>
    /// <exception cref="RpcException">The engine refused to list its workers.</exception>
    public static async Task<BuildKitClient> ConnectAsync(
        EngineAddress? address, EngineConnectOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new EngineConnectOptions();
        EngineConnection connection = await EngineConnection.OpenAsync(address, options, cancellationToken).ConfigureAwait(false);
        EngineChannel channel = new(connection, options);
        try
        {
            using DedicatedCallInvoker invoker = channel.OpenDedicated();
            ListWorkersResponse workers = await AskWorkersAsync(invoker, options, cancellationToken).ConfigureAwait(false);
            return new BuildKitClient(channel, EngineProfile.From(connection.Address, workers), connection, options);
        }
        catch
        {
            await channel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Asks the engine at the other end of a connection for its identity; closes the connection.</summary>
    /// <param name="connection">A connected stream. For a virtual machine's monitor, nothing has been sent on it yet.</param>
    /// <param name="address">The address of the connection.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="EngineConnectException">The monitor of a virtual machine does not connect it to the port.</exception>
    /// <exception cref="RpcException">The peer does not answer as an engine.</exception>
    public static async Task<BuildKitInfo> InspectConnectionAsync(Stream connection, EngineAddress address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(address);
        Stream opened = address.Scheme == VsockAddress.HybridScheme
            ? await new HybridVsockConnector(address, TimeProvider.System).GreetAsync(connection, cancellationToken).ConfigureAwait(false)
            : connection;
        EngineChannel channel = new(new SingleConnector(address, opened));
        await using (channel.ConfigureAwait(false))
        {
            return await EngineInspector.InspectAsync(new Control.ControlClient(channel.Pooled), address, "given", cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Asks an engine that accepted the connection for its workers. A peer that sends nothing within the time to connect is not an engine, is
    /// stopped, or takes longer than that to start, because an engine's HTTP/2 begins at once. One that has begun exists, and has longer.
    /// </summary>
    private static async Task<ListWorkersResponse> AskWorkersAsync(
        DedicatedCallInvoker invoker, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        TimeSpan longest = options.ConnectTimeout > LongestFirstAnswer ? options.ConnectTimeout : LongestFirstAnswer;
        using CancellationTokenSource timeout = new(longest, options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using CancellationTokenSource quiet = new(options.ConnectTimeout, options.TimeProvider);
        using CancellationTokenRegistration silence = quiet.Token.Register(() =>
        {
            if (!invoker.Engine.IsGreeted)
            {
                timeout.Cancel();
            }
        });
        CancellationToken token = either.Token;
        try
        {
            return await new Control.ControlClient(invoker).ListWorkersAsync(new ListWorkersRequest(), cancellationToken: token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            EngineAddress address = invoker.Engine.Address;
            string what = !invoker.Engine.IsGreeted
                ? invoker.Engine.DescribeSilence(options.ConnectTimeout)
                : $"accepts connections, but has not answered for {longest.TotalSeconds:0} seconds: it is stopped or does not respond";
            throw new EngineConnectException(EngineConnectReason.Timeout, address, $"{address} {what}.", e);
        }
    }

    /// <summary>Builds an image.</summary>
    /// <param name="request">The request.</param>
    /// <param name="observer">Receives the events of the build; null for none.</param>
    /// <param name="cancellationToken">Cancels the build, here and on the daemon.</param>
    /// <exception cref="ImageBuildException">The build failed.</exception>
    /// <exception cref="EngineConnectException">No pod of a deployment can be used; nothing was sent.</exception>
    /// <exception cref="OperationCanceledException">The build was cancelled.</exception>
    public Task<ImageBuildResult> BuildAsync(ImageBuildRequest request, IBuildObserver? observer = null, CancellationToken cancellationToken = default)
        => ImageBuild.RunAsync(_channel, _engine, request, null, observer, cancellationToken);

    /// <summary>Joins builds that share contexts or use each other's results; nothing is sent before the first of them is built.</summary>
    /// <param name="requests">The requests, by the names that <see cref="ImageBuildRequest.DependsOn"/> uses.</param>
    /// <param name="cancellationToken">Ends the wait for a Dockerfile that is a pipe.</param>
    /// <returns>The set; it must be disposed of before the client.</returns>
    public ImageBuildSet CreateSet(IReadOnlyDictionary<string, ImageBuildRequest> requests, CancellationToken cancellationToken = default)
        => new(_channel, _engine, requests, cancellationToken);

    /// <summary>Runs the engine's build checks on a Dockerfile; builds nothing.</summary>
    /// <param name="request">The request; tags and the like are ignored.</param>
    /// <param name="cancellationToken">Cancels the checks.</param>
    /// <exception cref="ImageBuildException">
    /// The engine has no build checks (<see cref="BuildFailureKind.Unsupported"/>; they came with BuildKit 0.15), or could not read the Dockerfile.
    /// </exception>
    public async Task<DockerfileChecks> CheckDockerfileAsync(ImageBuildRequest request, CancellationToken cancellationToken = default)
        => DockerfileChecks.From(await DockerfileQuery.AskAsync(_channel, _engine, request, DockerfileChecks.RequestId, cancellationToken).ConfigureAwait(false));

    /// <summary>Lists the stages of a Dockerfile that can be built.</summary>
    /// <inheritdoc cref="CheckDockerfileAsync" path="/param"/>
    /// <exception cref="ImageBuildException">The Dockerfile could not be read.</exception>
    public async Task<IReadOnlyList<DockerfileTarget>> GetTargetsAsync(ImageBuildRequest request, CancellationToken cancellationToken = default)
        => DockerfileTarget.ListFrom(await DockerfileQuery.AskAsync(_channel, _engine, request, DockerfileTarget.RequestId, cancellationToken).ConfigureAwait(false));

    /// <summary>Lists what a build of <see cref="ImageBuildRequest.Target"/> can be given: arguments, secrets, SSH agents, caches.</summary>
    /// <inheritdoc cref="CheckDockerfileAsync" path="/param"/>
    /// <exception cref="ImageBuildException">The Dockerfile could not be read, or has no such target.</exception>
    public async Task<DockerfileOutline> GetOutlineAsync(ImageBuildRequest request, CancellationToken cancellationToken = default)
        => DockerfileOutline.From(await DockerfileQuery.AskAsync(_channel, _engine, request, DockerfileOutline.RequestId, cancellationToken).ConfigureAwait(false));

    /// <summary>Has the engine fetch an address, and reads files of it.</summary>
    /// <param name="request">The address and the files.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ImageBuildException">The engine cannot fetch the address, or a file is missing, too large or none.</exception>
    public Task<RemoteFiles> ReadRemoteFilesAsync(RemoteFilesRequest request, CancellationToken cancellationToken = default)
        => RemoteFileQuery.AskAsync(_channel, _engine, request, cancellationToken);

    /// <summary>Asks the engine for its version, its workers and what they can do.</summary>
    /// <exception cref="RpcException">The engine did not answer.</exception>
    public Task<BuildKitInfo> InspectAsync(CancellationToken cancellationToken = default) => EngineInspector.InspectAsync(Control, Address, Source, cancellationToken);

    /// <summary>Lists the records of the engine's build cache.</summary>
    /// <param name="types">The types of records; all when empty.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="ArgumentException">The name of a type contains invalid characters.</exception>
    /// <exception cref="RpcException">The engine did not answer.</exception>
    public async Task<IReadOnlyList<BuildCacheRecord>> ListCacheAsync(IReadOnlyList<string> types, CancellationToken cancellationToken = default)
    {
        DiskUsageRequest request = new();
        request.Filter.AddRange(types.Select(BuildCachePrune.FilterOf));
        DiskUsageResponse answer = await Control.DiskUsageAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        return [.. answer.Record.Select(r => BuildCacheRecord.From(r, Address.ToString()))];
    }

    /// <summary>Whether the engine supports the space limits that BuildKit 0.17 added; null when unknown.</summary>
    /// <exception cref="RpcException">The engine did not answer.</exception>
    public async Task<bool?> KnowsSpaceLimitsAsync(CancellationToken cancellationToken = default) =>
        await EngineInspector.KnowsSpaceLimitsAsync(await InspectAsync(cancellationToken).ConfigureAwait(false), Address, _options, cancellationToken).ConfigureAwait(false);

    /// <summary>Clears the engine's build cache.</summary>
    /// <param name="prune">What to clear.</param>
    /// <param name="knowsSpaceLimits">What <see cref="KnowsSpaceLimitsAsync"/> returned; it matters when a space limit is set.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The cleared records, as the engine reports them.</returns>
    /// <exception cref="NotSupportedException">The engine does not support this and would clear more.</exception>
    /// <exception cref="RpcException">The engine did not answer.</exception>
    public async IAsyncEnumerable<BuildCacheRecord> PruneCacheAsync(
        BuildCachePrune prune, bool? knowsSpaceLimits = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prune);
        await foreach (UsageRecord record in Control.Prune(prune.ToRequest(knowsSpaceLimits), cancellationToken: cancellationToken).ReadAllAsync().ConfigureAwait(false))
        {
            yield return BuildCacheRecord.From(record, Address.ToString());
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    private sealed class SingleConnector(EngineAddress address, Stream stream) : IEngineConnector
    {
        private Stream? _stream = stream;

        public EngineAddress Address => address;

        public ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken) => Interlocked.Exchange(ref _stream, null) is { } first
            ? ValueTask.FromResult(first)
            : throw new EngineConnectException(EngineConnectReason.Rejected, Address, "The engine closed the connection.");
    }
}
