using System.Globalization;
using Grpc.Core;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>
/// The engines of a pipeline, each connected once. An unreachable one is not tried again for the next input, which would wait as long, but after a
/// pause: as long as the attempt took, and twice the pause before.
/// </summary>
internal sealed class EnginePool : IDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Dictionary<(EngineAddress? Address, bool AllowPlainTcp, EngineTlsOptions? Tls), Attempt> _clients = [];
    private readonly WarnedOnce _warned = new();

    /// <summary>A null address means the discovered engine.</summary>
    /// <exception cref="BuildErrorException">The engine cannot be reached, or refuses the call.</exception>
    public async Task<BuildKitClient> GetAsync(EngineAddress? address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        Task<BuildKitClient> client;
        (EngineAddress?, bool, EngineTlsOptions?) key = (address, options.AllowPlainTcp, options.Tls);
        lock (_clients)
        {
            Attempt? attempt = _clients.GetValueOrDefault(key);
            if (attempt is null || attempt.Client.IsCanceled || attempt.IsOver(options.TimeProvider))
            {
                _clients[key] = attempt = new Attempt(attempt?.Next, options.TimeProvider, () => ConnectAsync(address, options, poster, cancellationToken));
            }

            client = attempt.Client;
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
            foreach (Task<BuildKitClient> client in _clients.Values.Select(static a => a.Client))
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

    /// <summary>An attempt to connect, and the pause after it when it fails.</summary>
    private sealed class Attempt
    {
        private readonly TimeSpan _pause;
        private readonly long _begun;
        private long _ended;

        public Attempt(TimeSpan? pause, TimeProvider clock, Func<Task<BuildKitClient>> connect)
        {
            _pause = pause ?? ShortestPause;
            _begun = clock.GetTimestamp();
            Client = RunAsync(connect, clock);
        }

        public Task<BuildKitClient> Client { get; }

        /// <summary>The pause after the next attempt.</summary>
        public TimeSpan Next => _pause * 2 < LongestPause ? _pause * 2 : LongestPause;

        /// <summary>Whether it has failed, and the pause has passed.</summary>
        public bool IsOver(TimeProvider clock)
        {
            if (!Client.IsFaulted)
            {
                return false;
            }

            TimeSpan taken = clock.GetElapsedTime(_begun, _ended);
            TimeSpan pause = taken < LongestPause ? taken : LongestPause;
            return clock.GetElapsedTime(_ended) >= (pause > _pause ? pause : _pause);
        }

        private async Task<BuildKitClient> RunAsync(Func<Task<BuildKitClient>> connect, TimeProvider clock)
        {
            try
            {
                return await connect().ConfigureAwait(false);
            }
            finally
            {
                _ended = clock.GetTimestamp();
            }
        }
    }
}
