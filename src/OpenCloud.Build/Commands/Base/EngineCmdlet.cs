using System.Management.Automation;
using Grpc.Core;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
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

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        EngineConnectException connect => EngineErrors.From(connect).ToRecord(),
        NoBuildHistoryException => ErrorCatalog.NoBuildHistory.ToRecord(target, exception, _used ?? Address ?? "at the default address"),
        RpcException call => ErrorCatalog.EngineRefusedCall.ToRecord(target, exception, _used ?? Address ?? "The engine", call.Status.Detail),
        _ => base.ToRecord(exception, target),
    };
}
