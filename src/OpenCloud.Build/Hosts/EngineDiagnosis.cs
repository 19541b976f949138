using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Diagnosis;

namespace OpenCloud.Build.Hosts;

/// <summary>Diagnoses an engine at any address: a local socket with the host's knowledge of it, any other by connecting.</summary>
internal static class EngineDiagnosis
{
    public static Task<SocketDiagnosis> RunAsync(EngineAddress address, EngineConnectOptions options, string? asUser, string? asService, bool rootless, CancellationToken cancellationToken)
    {
        try
        {
            (address, EngineTlsOptions? tls) = EngineDiscovery.Resolve(address, options);
            options = options with { Tls = tls };
        }
        catch (EngineConnectException e)
        {
            return Task.FromResult(new SocketDiagnosis(
                address.ToString(), Environment.UserName, false, null, e.Message, Builds.EngineErrors.From(e).RecommendedAction, [new DiagnosisCheck("Docker's configuration", CheckState.Failed, e.Message)]));
        }

        if (address is { Scheme: "unix", Path: { } path })
        {
            return new SocketDiagnoser(EngineProbes.AskAsync, rootless: rootless).DiagnoseAsync(path, asUser, asService, cancellationToken);
        }

        if (address is { Scheme: "docker", Path: { } dockerPath })
        {
            // The Engine's API socket: access is tested with the given user's credentials, the answer is requested with the caller's.
            async Task<EngineAnswer> AskAsync(Stream connection, CancellationToken stop)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                return await EngineProbes.AskAsync(address, options, stop).ConfigureAwait(false);
            }

            return new SocketDiagnoser(AskAsync, speaksHttp2: false).DiagnoseAsync(dockerPath, asUser, asService, cancellationToken);
        }

        if (address.IsVsock)
        {
            return VsockDiagnosis.RunAsync(address, options, asUser, asService, cancellationToken);
        }

        return asUser is not null || asService is not null
            ? throw new HostException(HostErrorKind.InvalidInput, $"{address} is not a socket on this machine: local users and groups do not control access to it.", "Remove -As and -Service", address.ToString())
            : options.Tls is null || address.Host is null ? FromAfarAsync(address, options, [], cancellationToken)
            : OverTlsAsync(address, options, cancellationToken);
    }

    private static async Task<SocketDiagnosis> OverTlsAsync(EngineAddress address, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<DiagnosisCheck> checks = await TlsDiagnosis.RunAsync(address, options, cancellationToken).ConfigureAwait(false);
        SocketDiagnosis whole = await FromAfarAsync(address, options, checks, cancellationToken).ConfigureAwait(false);
        // The steps of TLS say more about the connection.
        return whole with { Checks = [.. checks, .. whole.Checks.Skip(checks.Count).Where(static c => c.Name != "Connection")] };
    }

    internal static async Task<SocketDiagnosis> FromAfarAsync(
        EngineAddress address, EngineConnectOptions options, IEnumerable<DiagnosisCheck> before, CancellationToken cancellationToken)
    {
        List<DiagnosisCheck> checks = [.. before];
        List<DiagnosisCheck> otherPods = [];
        if (address.Scheme == "kube-deployment")
        {
            // The pods that were left for another one: Kubernetes still calls them ready.
            options = options with
            {
                OnFailedAttempt = attempt =>
                {
                    if (attempt.Address.Scheme == "kube-pod" && attempt.NextIn is not null)
                    {
                        otherPods.Add(new DiagnosisCheck(DiagnosisCheck.OtherPod, CheckState.Warning, attempt.Error.Message, Builds.EngineErrors.From(attempt.Error).RecommendedAction));
                    }
                },
            };
        }

        SocketDiagnosis Result(bool reachable, string? version, string story, string? remedy) =>
            new(address.ToString(), Environment.UserName, reachable, version, story, remedy, [.. otherPods.DistinctBy(static c => c.Evidence), .. checks]);
        try
        {
            EngineAnswer answer = await EngineProbes.AskAsync(address, options, cancellationToken).ConfigureAwait(false);
            checks.AddRange(RemoteDiagnosis.Steps(address, null));
            checks.Add(new DiagnosisCheck("Connection", CheckState.Ok, "accepted"));
            checks.Add(new DiagnosisCheck("HTTP/2", CheckState.Ok, "it speaks HTTP/2"));
            checks.Add(new DiagnosisCheck("gRPC", CheckState.Ok, "Control answers"));
            checks.Add(new DiagnosisCheck("Version", answer.Version.Length > 0 ? CheckState.Ok : CheckState.Unknown, answer.Version.Length > 0 ? answer.Version : "unknown"));
            bool hasWorkers = answer.Workers.Count > 0;
            checks.Add(new DiagnosisCheck("Workers", hasWorkers ? CheckState.Ok : CheckState.Failed, hasWorkers ? string.Join("; ", answer.Workers) : "none"));
            return Result(hasWorkers, answer.Version, hasWorkers ? $"{address} answers as BuildKit." : $"{address} answers, but has no worker.", null);
        }
        catch (EngineConnectException e)
        {
            DiagnosisCheck[] steps = [.. RemoteDiagnosis.Steps(address, e)];
            otherPods.RemoveAll(c => c.Evidence == e.Message);
            checks.AddRange(steps);
            if (!steps.Any(static s => s.State == CheckState.Failed))
            {
                checks.Add(new DiagnosisCheck("Connection", CheckState.Failed, e.Message));
            }

            return Result(false, null, e.Message, Builds.EngineErrors.From(e).RecommendedAction);
        }
        catch (RpcException e)
        {
            checks.Add(new DiagnosisCheck("Connection", CheckState.Ok, "accepted"));
            checks.Add(new DiagnosisCheck("gRPC", CheckState.Failed, e.Message));
            return Result(false, null, $"{address} accepts connections, but does not answer as BuildKit: {e.Message}", null);
        }
    }
}
