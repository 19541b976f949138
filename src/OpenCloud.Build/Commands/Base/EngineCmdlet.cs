using System.Management.Automation;
using Grpc.Core;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Nodes;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that use an engine: its address, and one connection for the whole pipeline.</summary>
public abstract class EngineCmdlet : ConnectingCmdlet
{
    private readonly EnginePool _engines = new();
    private string? _used;

    private protected EngineCmdlet()
    {
    }

    /// <summary>The engine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string? Address { get; set; }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _engines.Dispose();
        }
    }

    /// <summary>Runs work with the engine; reports errors as non-terminating.</summary>
    private protected void OnEngine(object? target, Func<BuildKitClient, IPipelinePoster, CancellationToken, Task> work) => Guard(target, () =>
    {
        EngineAddress? address = EngineArguments.ParseAddress(Address);
        EngineConnectOptions options = ConnectOptions;
        RunAsync(async (poster, cancellationToken) =>
        {
            BuildKitClient engine = await _engines.GetAsync(address, options, poster, cancellationToken).ConfigureAwait(false);
            _used = engine.Address.ToString();
            await work(engine, poster, cancellationToken).ConfigureAwait(false);
        });
    });

    /// <summary>
    /// Runs work with each node of an engine that has a name, in their order, and with any other engine once. A node that cannot be reached, or whose
    /// work fails, has an error of its own, and the others are used.
    /// </summary>
    private protected void OnEachNode(object? target, Func<BuildKitClient, IPipelinePoster, CancellationToken, Task> work) => Guard(target, () =>
    {
        EngineAddress? address = EngineArguments.ParseAddress(Address);
        EngineConnectOptions options = ConnectOptions;
        if (EngineNodes.Find(address, options) is not { Nodes.Count: > 1 } engine)
        {
            OnEngine(target, work);
            return;
        }

        FleetNode[] nodes = [.. FleetNode.Of(engine, options).Values];
        RunAsync(async (poster, cancellationToken) =>
        {
            // At once, as each silent node takes the whole time for the connection.
            Task<BuildKitClient>[] connecting = [.. nodes.Select(n => _engines.GetAsync(n.Address, n.Options, poster, cancellationToken))];
            await ((Task)Task.WhenAll(connecting)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (address is null && connecting.All(static c => c.Exception?.InnerException is BuildErrorException error && NodeLosses.Of(error) == NodeLoss.NotReached))
            {
                // The default engine is gone: the search says so, and finds another.
                await work(await _engines.GetAsync(null, options, poster, cancellationToken).ConfigureAwait(false), poster, cancellationToken).ConfigureAwait(false);
                return;
            }

            for (int i = 0; i < nodes.Length; i++)
            {
                _used = nodes[i].Address.ToString();
                try
                {
                    await work(await connecting[i].ConfigureAwait(false), poster, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested && ToRecord(exception, target) is { } record)
                {
                    poster.Error(record);
                }
            }
        });
    });

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        EngineConnectException connect => EngineErrors.From(connect).ToRecord(),
        NoBuildHistoryException => ErrorCatalog.NoBuildHistory.ToRecord(target, exception, _used ?? Address ?? "at the default address"),
        RpcException call => ErrorCatalog.EngineRefusedCall.ToRecord(target, exception, _used ?? Address ?? "The engine", call.Status.Detail),
        _ => base.ToRecord(exception, target),
    };
}
