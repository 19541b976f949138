using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Finds the engine when no address is given: <c>$BUILDKIT_HOST</c>, the nodes of the default named engine, <c>$XDG_RUNTIME_DIR/buildkit/buildkitd.sock</c>,
/// <c>/run/buildkit/buildkitd.sock</c>, then <c>$DOCKER_HOST</c>, Docker's current context or the Docker socket; the first that accepts a connection.
/// </summary>
/// <remarks>
/// An invalid or disallowed <c>$BUILDKIT_HOST</c> is an error, and so is one that leads to an untrusted engine, or that needs a program, a login
/// or a container that is missing or fails: an explicit setting must not be silently replaced. A named engine is a setting, too, when this holds for
/// each of its nodes. One that merely does not answer is passed over like the
/// others and marked as explicit, which deserves a warning; with <see cref="EngineConnectOptions.RequireExplicitEngine"/> it is the only candidate.
/// </remarks>
public static class EngineDiscovery
{
    private const string HostVariable = "BUILDKIT_HOST";
    private const string ExplicitSource = "$" + HostVariable;

    internal const string SystemSocket = "/run/buildkit/buildkitd.sock";

    /// <summary>The candidates, in order. Connects to none of them.</summary>
    /// <exception cref="EngineConnectException"><c>$BUILDKIT_HOST</c> is not a valid address.</exception>
    public static IReadOnlyList<EngineCandidate> Candidates(EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<EngineCandidate> candidates = [];
        if (options.GetEnvironmentVariable(HostVariable)?.Trim() is { Length: > 0 } host)
        {
            try
            {
                candidates.AddRange(NamedNodes.OfSetting(host, ExplicitSource, options));
            }
            catch (Exception e) when (e is FormatException or EngineConnectException)
            {
                throw new EngineConnectException(EngineConnectReason.BadSetting, null, $"The environment variable {HostVariable} cannot be used: {e.Message}", e);
            }

            if (options.RequireExplicitEngine)
            {
                return candidates;
            }
        }

        candidates.AddRange(NamedNodes.OfDefault(options));
        if (options.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime
            && EngineAddress.TryParse($"unix://{runtime.TrimEnd('/')}/buildkit/buildkitd.sock", out EngineAddress? user))
        {
            candidates.Add(new EngineCandidate("$XDG_RUNTIME_DIR", user, false));
        }

        candidates.Add(new EngineCandidate("system socket", EngineAddress.ForUnixSocket(SystemSocket), false));
        try
        {
            // With TLS of Docker's configuration, the address is the one that asks the configuration again.
            DockerEndpoint docker = DockerEndpoint.Current(options.GetEnvironmentVariable);
            candidates.Add(new EngineCandidate(docker.Source, docker.Tls is null ? docker.Address : EngineAddress.Parse("docker://"), docker.IsSet));
        }
        catch (EngineConnectException e)
        {
            candidates.Add(new EngineCandidate("Docker's configuration", null, true, e));
        }

        return candidates;
    }

    /// <summary>
    /// The Docker Engine that <c>docker://</c> alone means: <c>$DOCKER_HOST</c>, Docker's current context, or the default socket. With TLS of
    /// Docker's configuration, this is <c>docker://</c> itself.
    /// </summary>
    /// <exception cref="EngineConnectException">A setting of Docker is invalid.</exception>
    public static EngineAddress DockerEngine(EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return DockerEndpoint.Current(options.GetEnvironmentVariable) is { Tls: null } found ? found.Address : EngineAddress.Parse("docker://");
    }

    /// <summary>
    /// The address and the TLS that <c>docker://</c> or <c>docker-context://name</c> means now. Another address is returned with the TLS of the options.
    /// </summary>
    /// <param name="address">The address.</param>
    /// <param name="options">The options; their TLS comes before that of Docker's configuration.</param>
    /// <exception cref="EngineConnectException">A setting of Docker is invalid, or the context does not exist.</exception>
    public static (EngineAddress Address, EngineTlsOptions? Tls) Resolve(EngineAddress address, EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        return DockerEndpoint.Find(address, options.GetEnvironmentVariable) is { } found ? (found.Address, options.Tls ?? found.Tls) : (address, options.Tls);
    }

    /// <summary>Connects to the first candidate that accepts. Repeats while every candidate may still be starting.</summary>
    /// <exception cref="EngineConnectException">None accepted; <see cref="EngineConnectException.PassedOver"/> has the reason of each.</exception>
    internal static ValueTask<EngineConnection> OpenAsync(EngineConnectOptions options, CancellationToken cancellationToken) =>
        OpenAsync(Candidates(options), options, cancellationToken);

    internal static ValueTask<EngineConnection> OpenAsync(
        IReadOnlyList<EngineCandidate> candidates, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        // A $BUILDKIT_HOST with plain TCP that is not allowed is refused here, before anything else is tried.
        List<(EngineCandidate Candidate, IEngineConnector? Connector, EngineConnectException? Problem)> ways = [];
        foreach (EngineCandidate candidate in candidates)
        {
            IEngineConnector? connector = null;
            EngineConnectException? problem = candidate.Problem;
            try
            {
                connector = candidate.Address is { } address ? EngineConnectors.Create(address, candidate.Options ?? options) : null;
            }
            catch (EngineConnectException e) when (!IsOnlySetting(candidate))
            {
                problem = e;
            }

            ways.Add((candidate, connector, problem));
        }

        return ConnectRetry.RunAsync(RoundAsync, candidates.Count == 1 ? candidates[0].Address : null, options, cancellationToken);

        async ValueTask<EngineConnection> RoundAsync(CancellationToken attempt)
        {
            List<PassedOverEngine> passed = [];
            List<EngineConnectException> errors = [];
            List<bool> areSettings = [];
            foreach ((EngineCandidate candidate, IEngineConnector? connector, EngineConnectException? problem) in ways)
            {
                EngineConnectException? error = problem;
                if (connector is not null)
                {
                    try
                    {
                        Stream stream = await ConnectOneAsync(connector, TimeOf(candidate), attempt).ConfigureAwait(false);
                        return new EngineConnection(connector, stream, candidate.Source, passed);
                    }
                    catch (EngineConnectException e) when (!IsOnlySetting(candidate) || !IsAboutTheSetting(e.Reason))
                    {
                        error = e;
                    }
                }

                errors.Add(error!);
                passed.Add(new PassedOverEngine(candidate.Source, connector?.Address ?? candidate.Address, error!.Message, candidate.IsExplicit));
                areSettings.Add(candidate.Problem is null && (connector is null || IsAboutTheSetting(error.Reason)));
                if (IsLastOfSetting(passed.Count - 1) && Enumerable.Range(0, passed.Count).Where(i => ways[i].Candidate.Source == candidate.Source).ToArray() is var its && its.All(i => areSettings[i]))
                {
                    throw Conclude([.. its.Select(i => errors[i])], [.. its.Select(i => passed[i])]);
                }
            }

            throw Conclude(errors, passed);
        }

        // Another node of an engine with several may be usable.
        bool IsOnlySetting(EngineCandidate candidate) => candidate.Source == ExplicitSource && candidates.Count(static c => c.Source == ExplicitSource) == 1;

        // A setting that no node of it follows is not replaced by another engine.
        bool IsLastOfSetting(int i) => (candidates[i].Source == ExplicitSource || (candidates[i].Options is not null && candidates[i].IsExplicit))
            && (i == candidates.Count - 1 || candidates[i + 1].Source != candidates[i].Source);

        // A candidate that accepts but does not answer must not use up the time of later ones. The explicit one may need a login elsewhere, and
        // has half of it.
        TimeSpan TimeOf(EngineCandidate candidate)
        {
            int same = candidates.Count(c => c.Source == candidate.Source);
            return options.ConnectTimeout / (same == candidates.Count ? same : candidate.Source == ExplicitSource || candidate.Options is not null ? 2 * same : ways.Count + 1);
        }

        async ValueTask<Stream> ConnectOneAsync(IEngineConnector connector, TimeSpan time, CancellationToken attempt)
        {
            using CancellationTokenSource share = new(time, options.TimeProvider);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(attempt, share.Token);
            try
            {
                return await connector.ConnectAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (!attempt.IsCancellationRequested)
            {
                throw new EngineConnectException(EngineConnectReason.Timeout, connector.Address, $"{connector.Address} {ConnectStalledException.WhatOf(e)} in time.", e);
            }
        }
    }

    private static bool IsAboutTheSetting(EngineConnectReason reason) => reason is EngineConnectReason.Tls or EngineConnectReason.UntrustedPeer
        or EngineConnectReason.HostKeyRejected or EngineConnectReason.HostKeyChanged or EngineConnectReason.LoginRefused
        or EngineConnectReason.NotAnSshServer or EngineConnectReason.ProgramNotFound or EngineConnectReason.ProgramFailed
        or EngineConnectReason.HelperNotFound or EngineConnectReason.UnexpectedOutput or EngineConnectReason.ContextNotFound
        or EngineConnectReason.ContainerNotFound or EngineConnectReason.ContainerEngineForbidden or EngineConnectReason.NamespaceNotFound
        or EngineConnectReason.PodNotFound or EngineConnectReason.PodContainerNotFound or EngineConnectReason.CredentialPluginFailed
        or EngineConnectReason.ClusterLoginRefused or EngineConnectReason.ClusterForbidden or EngineConnectReason.DeploymentNotFound;

    private static EngineConnectException Conclude(List<EngineConnectException> errors, List<PassedOverEngine> passed)
    {
        if (errors.Count == 1)
        {
            return errors[0];
        }
        // A socket that this user may not open is most likely the intended one.
        EngineConnectException? telling = errors.Find(static e => e.Reason == EngineConnectReason.PermissionDenied)
            ?? errors.Find(static e => !e.MayBeStarting);
        EngineConnectReason reason = telling?.Reason ?? (errors.Exists(static e => e.Reason == EngineConnectReason.Refused)
            ? EngineConnectReason.Refused
            : EngineConnectReason.NotFound);
        string list = string.Join(" ", passed.Select(static p => $"[{p.Source}] {p.Why}"));
        return new EngineConnectException(reason, telling?.Address, $"No engine accepts a connection. {list}", telling)
        {
            Access = telling?.Access,
            Tls = telling?.Tls,
            PassedOver = passed,
        };
    }
}
