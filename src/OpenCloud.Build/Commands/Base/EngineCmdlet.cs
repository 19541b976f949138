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
public abstract class EngineCmdlet : BuildCmdlet
{
    private readonly EnginePool _engines = new();

    private protected EngineCmdlet()
    {
    }

    /// <summary>The engine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string? Address { get; set; }

    /// <summary>How long to wait for an engine that is starting.</summary>
    [Parameter]
    [DurationTransform]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Allows plain TCP to other machines.</summary>
    [Parameter]
    public SwitchParameter AllowPlainTcp { get; set; }

    private protected EngineConnectOptions ConnectOptions => EngineArguments.ConnectOptions(ConnectTimeout, AllowPlainTcp);

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
            await work(engine, poster, cancellationToken).ConfigureAwait(false);
        });
    });

    /// <summary>Makes the errors of one input non-terminating: the pipeline continues with the next.</summary>
    private protected void Guard(object? target, Action work)
    {
        try
        {
            work();
        }
        catch (BuildErrorException exception)
        {
            WriteError(exception.ToRecord());
        }
        catch (EngineConnectException exception)
        {
            WriteError(EngineErrors.From(exception).ToRecord());
        }
        catch (NoBuildHistoryException exception)
        {
            WriteError(ErrorCatalog.NoBuildHistory, target, exception, Address ?? "that was found");
        }
        catch (RpcException exception)
        {
            WriteError(ErrorCatalog.EngineRefusedCall, target, exception, Address ?? "The engine", exception.Status.Detail);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            WriteError(ErrorCatalog.Unexpected, target, exception, exception.Message);
        }
    }
}
