using System.Net.Sockets;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>
/// Diagnoses whether a principal reaches the engine of a unix socket and, if not, why: the file system, the units, and a real
/// connection made with that principal's credentials (<see cref="IdentityThread"/>), then HTTP/2 and gRPC over it.
/// </summary>
/// <param name="probe">Queries the engine over gRPC.</param>
/// <param name="speaksHttp2">
/// The socket speaks HTTP/2 from its first byte; false for a Docker Engine or a virtual machine, whose probe first requests HTTP/2.
/// </param>
/// <param name="rootless">Checks all prerequisites of a rootless engine, even when the socket's path is not a rootless engine's.</param>
public sealed class SocketDiagnoser(EngineProbe probe, bool speaksHttp2 = true, bool rootless = false)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly List<DiagnosisCheck> _checks = [];

    // The connection was refused although files and groups permit it.
    private bool _forbiddenByPolicy;

    /// <summary>Runs the diagnosis.</summary>
    /// <param name="path">The path of the socket.</param>
    /// <param name="asUser">Diagnoses for this user (needs root); null for the caller.</param>
    /// <param name="asService">Diagnoses for this service (needs root); null for a user.</param>
    /// <param name="cancellationToken">Stops the diagnosis.</param>
    /// <exception cref="HostException">The user or service does not exist, or root is needed.</exception>
    public async Task<SocketDiagnosis> DiagnoseAsync(string path, string? asUser, string? asService, CancellationToken cancellationToken)
    {
        _checks.Clear();
        Principal who = asService is not null ? Principal.ServiceNamed(asService) : asUser is not null ? Principal.User(asUser) : Principal.Caller();
        if (who.Note is not null)
        {
            _checks.Add(new DiagnosisCheck("Principal", CheckState.Ok, $"{who.Name}, {who.Note}"));
        }

        SocketFileChecks files = new(path, who, _checks);
        files.Run();
        if (path == SystemPaths.SocketPath)
        {
            UnitChecks.Units(_checks);
        }

        if (who.Service is not null)
        {
            UnitChecks.Groups(who.Service, _checks);
        }

        UserAccount? owner = RootlessDiagnosis.OwnerOf(path) ?? (rootless ? Accounts.AccountDatabase.FindUser(who.Effective.Uid) : null);
        IReadOnlyList<DiagnosisCheck> prechecks = owner is null ? [] : RootlessDiagnosis.Checks(owner);
        _checks.AddRange(prechecks);
        string? version = null;
        (string Story, string? Remedy)? trouble = files.Trouble;
        if (files.Socket is { Type: InodeType.Socket } || trouble is null || files.Socket is null)
        {
            ((string Story, string? Remedy)? reached, version) = await SpeakAsync(path, who, trouble is not null, cancellationToken).ConfigureAwait(false);
            if (reached is null)
            {
                // The real connection decides: an ACL may permit what a mode denies.
                trouble = null;
                files.WarnOfOpenEngine();
            }
            else
            {
                trouble ??= reached;
            }
        }

        AdvisoryChecks.Run(path, version, _checks);
        if (trouble is not null)
        {
            (string Story, string Remedy)? denial = SecurityLog.Check(path, _checks);
            if (denial is { } forbidden && _forbiddenByPolicy)
            {
                trouble = ($"{trouble.Value.Story} {forbidden.Story}.", forbidden.Remedy);
            }
            else if (prechecks.FirstOrDefault(check => check.State == CheckState.Failed) is { } failed)
            {
                // Without an engine there is no socket: this is the cause.
                trouble = ($"{trouble.Value.Story} A rootless engine does not start on this host: {failed.Evidence}.", failed.Remedy);
            }
            else if (owner is not null && files.Socket is null && trouble.Value.Remedy is null)
            {
                trouble = (trouble.Value.Story, RootlessDiagnosis.StartRemedy(owner));
            }
        }

        return new SocketDiagnosis(
            "unix://" + path,
            who.Name,
            trouble is null,
            version,
            trouble?.Story ?? $"{who.Name} has access to the engine{(string.IsNullOrEmpty(version) ? string.Empty : " " + version)}.",
            trouble?.Remedy,
            [.. _checks]);
    }

    private async Task<((string Story, string? Remedy)? Trouble, string? Version)> SpeakAsync(string path, Principal who, bool expectRefusal, CancellationToken cancellationToken)
    {
        Socket Connect() => who.IsCaller ? UnixSocket.Connect(path, AnswerTimeout, cancellationToken) : IdentityThread.Connect(SeenBy(path, who), who.Effective, cancellationToken);
        try
        {
            using Socket socket = Connect();
            PeerCredentials peer = PeerCredentials.Of(socket);
            string? unit = Systemctl.UnitOf(peer.Pid);
            PeerTrust trust = PeerJudgement.Of(path, peer);
            if (trust == PeerTrust.Foreign)
            {
                string whose = $"{Accounts.AccountDatabase.UserName(peer.Uid)} listens ({peer.Program ?? "unknown"}, {peer.Pid}{(unit is null ? string.Empty : ", " + unit)}), who is neither root nor the owner of the socket's directory";
                string? restart = path == SystemPaths.SocketPath ? $"sudo systemctl restart {SystemPaths.SocketUnit}" : null;
                _checks.Add(new DiagnosisCheck("Connection", CheckState.Failed, whose, restart));
                return (($"Another process listens in place of the engine: {whose}. Nothing was sent.", restart), null);
            }

            _checks.Add(new DiagnosisCheck(
                "Connection",
                CheckState.Ok,
                peer.Pid == 1 ? "accepted; systemd listens (a socket unit)" : $"accepted; listener: {peer.Program ?? "unknown"} ({peer.Pid}{(unit is null ? string.Empty : ", " + unit)})"));
            if (trust == PeerTrust.Unproven)
            {
                _checks.Add(new DiagnosisCheck(
                    DiagnosisCheck.Peer, CheckState.Warning, "the process that listens is in another user namespace: it cannot be verified that it is the engine"));
            }

            if (!speaksHttp2)
            {
                return await AskAsync(path, new NetworkStream(socket), cancellationToken).ConfigureAwait(false);
            }

            using NetworkStream stream = new(socket);
            (GreetingAnswer answer, string? evidence) = await Http2Greeting.TryAsync(stream, AnswerTimeout, cancellationToken).ConfigureAwait(false);
            if (answer != GreetingAnswer.Http2)
            {
                return (Greeted(path, answer, evidence, peer), null);
            }

            _checks.Add(new DiagnosisCheck("HTTP/2", CheckState.Ok, evidence));
        }
        catch (SocketException refused)
        {
            return (Refused(path, who, refused, expectRefusal), null);
        }

        return await AskAsync(path, new NetworkStream(Connect(), ownsSocket: true), cancellationToken).ConfigureAwait(false);
    }

    // A running service sees the file system of its own mount namespace.
    private static string SeenBy(string path, Principal who)
        => who.Service is { MainPid: > 0 and var pid } && $"/proc/{pid}/root{path}" is { Length: < 108 } inside && File.Exists(inside) ? inside : path;

    private async Task<((string Story, string? Remedy)? Trouble, string? Version)> AskAsync(string path, Stream stream, CancellationToken cancellationToken)
    {
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(AnswerTimeout);
            EngineAnswer answer = await probe(stream, limit.Token).ConfigureAwait(false);
            _checks.Add(new DiagnosisCheck("gRPC", CheckState.Ok, "Control answers"));
            _checks.Add(new DiagnosisCheck("Version", answer.Version.Length > 0 ? CheckState.Ok : CheckState.Unknown, answer.Version.Length > 0 ? answer.Version : "unknown"));
            if (answer.Workers.Count == 0)
            {
                _checks.Add(new DiagnosisCheck("Workers", CheckState.Failed, "none", $"journalctl -u {SystemPaths.ServiceUnit}"));
                return (("The engine answers, but has no worker.", $"journalctl -u {SystemPaths.ServiceUnit}"), answer.Version);
            }

            _checks.Add(new DiagnosisCheck("Workers", CheckState.Ok, string.Join("; ", answer.Workers)));
            return (null, answer.Version);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            bool timeout = error is OperationCanceledException;
            string said = timeout ? $"no answer in {AnswerTimeout.TotalSeconds:0} s" : error.Message;
            string? remedy = path == SystemPaths.SocketPath ? $"sudo systemctl restart {SystemPaths.ServiceUnit}" : null;
            _checks.Add(new DiagnosisCheck("gRPC", CheckState.Failed, said, remedy));
            return (timeout
                ? ($"The engine accepts connections, but does not answer ({said}).", remedy)
                : speaksHttp2
                    ? ($"The process uses HTTP/2, but is not BuildKit: {said}. It may be another program, for example containerd.", null)
                    : ($"The socket accepts connections, but does not give access to BuildKit: {said}", null), null);
        }
    }

    private (string Story, string? Remedy) Greeted(string path, GreetingAnswer answer, string evidence, PeerCredentials peer)
    {
        string? restart = path == SystemPaths.SocketPath ? $"sudo systemctl restart {SystemPaths.ServiceUnit}" : null;
        (string Story, string? Remedy) trouble = answer switch
        {
            GreetingAnswer.Http1 => ($"It is the socket of another program: {evidence}. Use a docker:// address for the BuildKit inside a Docker Engine.", $"Test-BuildKitSocket docker://{path} -Detailed"),
            GreetingAnswer.Other => ($"It is the socket of another program ({peer.Program ?? "unknown"}): {evidence}.", null),
            GreetingAnswer.Closed => ($"The process accepts the connection and closes it: {evidence}. It may be a proxy that cannot connect to its engine, or another program.", restart),
            _ => ($"A process listens, but {evidence}: the engine does not respond, or systemd is still starting it.", restart),
        };
        _checks.Add(new DiagnosisCheck("HTTP/2", CheckState.Failed, evidence, trouble.Remedy));
        return trouble;
    }

    private (string Story, string? Remedy) Refused(string path, Principal who, SocketException refused, bool expected)
    {
        bool ours = path == SystemPaths.SocketPath;
        _forbiddenByPolicy = refused.SocketErrorCode == SocketError.AccessDenied && !expected;
        (string Story, string? Remedy) trouble = refused.SocketErrorCode switch
        {
            SocketError.AccessDenied => ($"{who.Name} is not allowed to connect to {path}.", expected ? null : "Look for a security policy that denies it: sudo journalctl --since -1h _TRANSPORT=kernel + _TRANSPORT=audit"),
            SocketError.ConnectionRefused => ($"{path} is the socket of an engine that is no longer running: no process listens on it.", ours ? $"sudo systemctl restart {SystemPaths.SocketUnit}" : $"sudo rm {path}, then start the engine again"),
            _ when !File.Exists(path) => ($"The socket {path} does not exist.", ours ? $"sudo systemctl start {SystemPaths.SocketUnit}" : null),
            _ => ($"Cannot connect to {path}: {refused.Message}.", null),
        };
        _checks.Add(new DiagnosisCheck("Connection", CheckState.Failed, $"{refused.Message} ({refused.SocketErrorCode})", trouble.Remedy));
        return trouble;
    }
}
