using System.Globalization;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Connects through a program that carries the connection: ssh, or the exec command of a container engine or of Kubernetes. Each connection has a
/// program of its own, which ends with it; those of ssh share a login, which ends with the connector.
/// </summary>
internal sealed class ProgramConnector : IEngineConnector, IDisposable
{
    // An engine begins with a SETTINGS frame, whose length is below 65,536 (RFC 9113, 4.1 and 6.5).
    private const byte FirstOfHttp2 = 0;

    private readonly EngineConnectOptions _options;
    private readonly RemoteCommand _command;
    private readonly SshLogin? _login;
    // Connections that end within this time end for the same reason.
    private static readonly TimeSpan Together = TimeSpan.FromSeconds(10);

    // A kubectl that is killed ends at once.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _end = new();
    private Task<string?>? _why;
    private long _askedAt;
    private bool _disposed;

    public ProgramConnector(EngineAddress address, EngineConnectOptions options)
    {
        Address = address;
        _options = options;
        _command = RemoteCommand.Of(address.Remote!);
        _login = _command.Program == "ssh" ? new SshLogin(address.Remote!, Start) : null;
    }

    public EngineAddress Address { get; }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _end.Cancel();
        if (_why is { } why)
        {
            _ = Task.WaitAny([why], StopPatience);
        }

        _end.Dispose();
        _login?.Dispose();
    }

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        RemoteStream stream = _login is null ? Start(_command, null) : await StartSshAsync(_login, cancellationToken).ConfigureAwait(false);
        try
        {
            if (await stream.HasEndedAsync(cancellationToken).ConfigureAwait(false))
            {
                throw Explain(stream);
            }

            // A Docker Engine waits for the request, and its answer is awaited by the caller.
            if (Address.Scheme != RemoteAddress.DockerOverSsh)
            {
                await AwaitAnswerAsync(stream, FirstOfHttp2, cancellationToken).ConfigureAwait(false);
            }

            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Waits until an answer begins. Its bytes stay in the stream.</summary>
    /// <exception cref="EngineConnectException">The program ended, or something else begins.</exception>
    /// <exception cref="ConnectStalledException">The wait was cancelled.</exception>
    public async ValueTask AwaitAnswerAsync(RemoteStream stream, byte first, CancellationToken cancellationToken)
    {
        try
        {
            byte? begins = await stream.PeekAsync(cancellationToken).ConfigureAwait(false);
            if (begins != first)
            {
                throw Explain(stream, begins is null ? "" : await stream.ReadTextAsync(cancellationToken).ConfigureAwait(false));
            }
        }
        catch (OperationCanceledException e)
        {
            string words = RemoteErrorText.LastWords(stream.Errors);
            string login = _login is null ? $"did not answer through {_command.Remote}" : $"completed the login, but {_command.Remote} did not answer";
            throw new ConnectStalledException(words.Length == 0 ? login : $"{login} ({_command.Program} reports: {words.TrimEnd('.')})", e);
        }
    }

    /// <summary>Explains a connection that the program did not make, or ended before the engine answered.</summary>
    public EngineConnectException Explain(RemoteStream stream, string text = "") => Failure(Address, _command, stream.Errors, text, stream.ExitCode);

    /// <summary>Converts the end of a program, or text that it sends instead of an engine's answer, to an error.</summary>
    /// <param name="address">The address.</param>
    /// <param name="command">The command.</param>
    /// <param name="report">The standard error.</param>
    /// <param name="output">Text on the standard output, which belongs to the engine's answer: Docker reports there that a command cannot be run (moby/moby, api/server/router/container).</param>
    /// <param name="exitCode">The exit code; null when it is unknown, or the program still runs.</param>
    internal static EngineConnectException Failure(EngineAddress address, RemoteCommand command, string report, string output, int? exitCode)
    {
        if (output.StartsWith("HTTP/1", StringComparison.Ordinal))
        {
            return new EngineConnectException(EngineConnectReason.NotAnEngine, address, $"{address} is not BuildKit: it speaks HTTP/1.");
        }

        RemoteFault fault = RemoteSigns.FaultOf(command, $"{report}\n{output}", exitCode);
        (EngineConnectReason reason, string? why) = Explain(fault == RemoteFault.Other && output.Length > 0 ? RemoteFault.Text : fault, command);
        string words = RemoteErrorText.LastWords($"{report}\n{output}");
        string said = words.Length > 0 ? words
            : exitCode is { } code ? string.Create(CultureInfo.InvariantCulture, $"it ended with exit code {code} and said nothing")
            : "it closed the connection";
        return new EngineConnectException(reason, address, $"Cannot connect to {address}: {(why is null ? "" : $"{why}. ")}{command.Program} reports: {said.TrimEnd('.')}.");
    }

    private static (EngineConnectReason Reason, string? Why) Explain(RemoteFault fault, RemoteCommand command) => fault switch
    {
        RemoteFault.HostKeyRejected => (EngineConnectReason.HostKeyRejected, "ssh does not know the key of the host"),
        RemoteFault.HostKeyChanged => (EngineConnectReason.HostKeyChanged, "the key of the host is not the one that ssh knows"),
        RemoteFault.LoginRefused => (EngineConnectReason.LoginRefused, "the login is refused"),
        RemoteFault.HostNotFound => (EngineConnectReason.HostNotFound, "the host's name cannot be resolved"),
        RemoteFault.Unreachable => (EngineConnectReason.Unreachable, "the host does not answer"),
        RemoteFault.HostNotListening => (EngineConnectReason.HostNotListening, "no SSH server accepts connections there"),
        RemoteFault.NotSsh => (EngineConnectReason.NotAnSshServer, "the host does not answer as an SSH server, or refuses this client"),
        RemoteFault.NoContext => (EngineConnectReason.ContextNotFound, "the context does not exist"),
        RemoteFault.NoContainer => (EngineConnectReason.ContainerNotFound, "the container does not exist"),
        RemoteFault.ContainerNotRunning => (EngineConnectReason.ContainerNotRunning, command.Program == "kubectl" ? "the pod does not run" : "the container does not run"),
        RemoteFault.DaemonUnreachable => (EngineConnectReason.ContainerEngineUnreachable, "the container engine does not answer"),
        RemoteFault.DaemonForbidden => (EngineConnectReason.ContainerEngineForbidden, "this user may not use the container engine"),
        RemoteFault.NoNamespace => (EngineConnectReason.NamespaceNotFound, "the namespace does not exist"),
        RemoteFault.NoPod => (EngineConnectReason.PodNotFound, "the pod does not exist in this namespace"),
        RemoteFault.NoPodContainer => (EngineConnectReason.PodContainerNotFound, "the pod has no such container"),
        RemoteFault.PluginFailed => (EngineConnectReason.CredentialPluginFailed, "the credential plugin of the context failed"),
        RemoteFault.NotLoggedIn => (EngineConnectReason.ClusterLoginRefused, "the cluster does not accept the credentials of the context"),
        RemoteFault.Forbidden => (EngineConnectReason.ClusterForbidden, "the user of the context may not run commands in this pod"),
        RemoteFault.ClusterUnreachable => (EngineConnectReason.ClusterUnreachable, "the API server of the cluster does not answer"),
        RemoteFault.NodeUnreachable => (EngineConnectReason.Unreachable, "the cluster does not reach the node of the pod"),
        RemoteFault.NoHelper => (EngineConnectReason.HelperNotFound, $"the program '{command.Helper}', which connects to the engine, does not exist there"),
        RemoteFault.NoSocket => (EngineConnectReason.Refused, "no engine accepts connections there"),
        RemoteFault.SocketForbidden => (EngineConnectReason.PermissionDenied, "the user may not connect to the socket there"),
        RemoteFault.Text => (EngineConnectReason.UnexpectedOutput, "text arrives instead of the engine's answer"),
        _ => (EngineConnectReason.ProgramFailed, null),
    };

    /// <summary>
    /// The environment of a program, with a PATH. The program acts for the same user, and starts others of that user's configuration: agents,
    /// proxies, plug-ins for credentials.
    /// </summary>
    internal static Dictionary<string, string> Environment(string? path)
    {
        Dictionary<string, string> environment = ProgramEnvironment.Inherited();
        environment["PATH"] = string.Join(':', ProgramFinder.Folders(path));

        // Without a terminal, ssh asks by a program of the desktop, also as a jump host's ssh or as that of docker, which have no BatchMode
        // (ssh(1), SSH_ASKPASS_REQUIRE since OpenSSH 8.4; older ones run a program that answers nothing).
        environment["SSH_ASKPASS_REQUIRE"] = "never";
        environment["SSH_ASKPASS"] = "/bin/false";
        return environment;
    }

    // The connections of a build end together: kubectl is asked once for all of them.
    private Task<string?> ExplainEndAsync()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return Task.FromResult<string?>(null);
            }

            if (_why is null || (_why is { IsCompletedSuccessfully: true, Result: null } && _options.TimeProvider.GetElapsedTime(_askedAt) > Together))
            {
                CancellationToken end = _end.Token;
                _askedAt = _options.TimeProvider.GetTimestamp();
                _why = Task.Run(() => PodEnd.ExplainAsync(Address.Remote!, _options.GetEnvironmentVariable, end), CancellationToken.None);
            }

            return _why;
        }
    }

    private async ValueTask<RemoteStream> StartSshAsync(SshLogin login, CancellationToken cancellationToken)
    {
        try
        {
            return await login.StartAsync(_command, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw new ConnectStalledException(login.StalledAt, e);
        }
    }

    private RemoteStream Start(RemoteCommand command, Action? onClosed)
    {
        string? path = _options.GetEnvironmentVariable("PATH");
        if (ProgramFinder.Find(command.Program, ProgramFinder.Folders(path)) is not { } program)
        {
            throw new EngineConnectException(
                EngineConnectReason.ProgramNotFound,
                Address,
                $"Cannot connect to {Address}: the program '{command.Program}' is not on the PATH.{ProgramFinder.Hint(command.Program)}");
        }

        try
        {
            return new RemoteStream(ConnectedProgram.Start(new ProgramCommand(program, command.Arguments, Environment(path))), command.Program, () => _login?.Errors ?? "", onClosed, Address.Scheme == RemoteAddress.KubernetesPod ? ExplainEndAsync : null);
        }
        catch (IOException e)
        {
            throw new EngineConnectException(EngineConnectReason.ProgramFailed, Address, $"Cannot connect to {Address}: {e.Message}", e);
        }
    }
}
