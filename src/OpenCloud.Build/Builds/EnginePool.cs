using System.Globalization;
using Grpc.Core;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>The engines of a pipeline, each connected once. An unreachable one is not tried again for the next input, which would wait as long.</summary>
internal sealed class EnginePool : IDisposable
{
    private readonly Dictionary<(EngineAddress? Address, bool AllowPlainTcp, EngineTlsOptions? Tls), Task<BuildKitClient>> _clients = [];
    private readonly WarnedOnce _warned = new();

    /// <summary>A null address means the discovered engine.</summary>
    /// <exception cref="BuildErrorException">The engine cannot be reached, or refuses the call.</exception>
    public async Task<BuildKitClient> GetAsync(EngineAddress? address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        Task<BuildKitClient>? client;
        lock (_clients)
        {
            if (!_clients.TryGetValue((address, options.AllowPlainTcp, options.Tls), out client) || client.IsCanceled)
            {
                client = ConnectAsync(address, options, poster, cancellationToken);
                _clients[(address, options.AllowPlainTcp, options.Tls)] = client;
            }
        }

        try
        {
            return await client.ConfigureAwait(false);
        }
        catch (EngineConnectException exception)
        {
            throw EngineErrors.From(exception);
        }
        catch (RpcException exception)
        {
            throw ErrorCatalog.EngineRefusedCall.ToException(address?.ToString(), exception, address?.ToString() ?? "the engine", exception.Status.Detail);
        }
    }

    /// <summary>Closes the connections; a later call connects again.</summary>
    public void Close()
    {
        lock (_clients)
        {
            foreach (Task<BuildKitClient> client in _clients.Values)
            {
                if (client.IsCompletedSuccessfully)
                {
                    // Completes synchronously: it only closes a socket.
                    client.Result.DisposeAsync().AsTask().GetAwaiter().GetResult();
                }
            }

            _clients.Clear();
        }
    }

    public void Dispose() => Close();

    private async Task<BuildKitClient> ConnectAsync(
        EngineAddress? address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        EngineConnectOptions watched = options with
        {
            OnWarning = text => _warned.Warn(text, poster),
            OnFailedAttempt = attempt =>
            {
                poster.Verbose(attempt.Error.Message);
                if (attempt.NextIn is { } next)
                {
                    poster.Progress(new ProgressSnapshot("Connecting", string.Create(
                        CultureInfo.InvariantCulture, $"{attempt.Address}: attempt {attempt.Number} failed; next attempt in {next.TotalSeconds:0.#} s")));
                }
            },
        };
        BuildKitClient client = await BuildKitClient.ConnectAsync(address, watched, cancellationToken).ConfigureAwait(false);
        foreach (PassedOverEngine passed in client.PassedOver)
        {
            string text = $"Skipped {passed.Source}: {passed.Why}";
            if (passed.IsExplicit)
            {
                poster.Warning(text);
            }
            else
            {
                poster.Verbose(text);
            }
        }

        poster.Verbose($"The engine is {client.Address} ({client.Source}), BuildKit {client.EngineVersion ?? "of unknown version"}.");
        return client;
    }
}
