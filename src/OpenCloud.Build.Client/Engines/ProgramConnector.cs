using System.Globalization;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Connects through a program that carries the connection: ssh, or the exec command of a container engine or of Kubernetes. Each connection has a
/// program of its own, which ends with it; those of ssh share a login, which ends with the connector.
/// </summary>
internal sealed class ProgramConnector : IEngineConnector, IDisposable
{
    private readonly EngineConnectOptions _options;
    private readonly RemoteCommand _command;
    private readonly SshLogin? _login;

    public ProgramConnector(EngineAddress address, EngineConnectOptions options)
    {
        Address = address;
        _options = options;
        _command = RemoteCommand.Of(address.Remote!);
        _login = _command.Program == "ssh" ? new SshLogin(address.Remote!, Start) : null;
    }

    public EngineAddress Address { get; }

    public void Dispose() => _login?.Dispose();

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        RemoteStream stream = _login is null ? Start(_command, null) : await _login.StartAsync(_command, cancellationToken).ConfigureAwait(false);
        try
        {
            if (stream.HasEnded())
            {
                throw Explain(stream);
            }

            // A Docker Engine waits for the request, and its answer is awaited by the caller.
            if (Address.Scheme != RemoteAddress.DockerOverSsh && !await stream.WaitForDataAsync(cancellationToken).ConfigureAwait(false))
            {
                throw Explain(stream);
            }

            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Explains a connection that the program did not make, or ended before the engine answered.</summary>
    public EngineConnectException Explain(RemoteStream stream)
    {
        RemoteFault fault = RemoteErrorText.FaultOf(stream.Errors, stream.ExitCode);
        string helper = _command.Helper;
        string words = RemoteErrorText.LastWords(stream.Errors);
        string said = words.Length > 0 ? words
            : stream.ExitCode is { } code ? string.Create(CultureInfo.InvariantCulture, $"it ended with exit code {code} and said nothing")
            : "it closed the connection";
        (EngineConnectReason reason, string? why) = fault switch
        {
            RemoteFault.HostKeyRejected => (EngineConnectReason.HostKeyRejected, "ssh does not accept the key of the host"),
            RemoteFault.LoginRefused => (EngineConnectReason.LoginRefused, "the login is refused"),
            RemoteFault.HostNotFound => (EngineConnectReason.HostNotFound, "the host's name cannot be resolved"),
            RemoteFault.Unreachable => (EngineConnectReason.Unreachable, "the host does not answer"),
            RemoteFault.Refused => (EngineConnectReason.Refused, "no process accepts connections there"),
            RemoteFault.NoContainer => (EngineConnectReason.ContainerNotFound, "the container or pod does not exist or does not run"),
            RemoteFault.NoHelper => (EngineConnectReason.HelperNotFound, $"the program '{helper}', which connects to the engine, does not exist there"),
            RemoteFault.NoSocket => (EngineConnectReason.Refused, "no engine accepts connections there"),
            RemoteFault.SocketForbidden => (EngineConnectReason.PermissionDenied, "the user may not connect to the socket there"),
            _ => (EngineConnectReason.ProgramFailed, null),
        };
        return new EngineConnectException(reason, Address, $"Cannot connect to {Address}: {(why is null ? "" : $"{why}. ")}{stream.Name} reports: {said.TrimEnd('.')}.");
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

        // The program acts for the same user, and starts others of that user's configuration: agents, proxies, plug-ins for credentials.
        Dictionary<string, string> environment = ProgramEnvironment.Inherited();
        environment["PATH"] = string.Join(':', ProgramFinder.Folders(path));
        try
        {
            return new RemoteStream(ConnectedProgram.Start(new ProgramCommand(program, command.Arguments, environment)), command.Program, () => _login?.Errors ?? "", onClosed);
        }
        catch (IOException e)
        {
            throw new EngineConnectException(EngineConnectReason.ProgramFailed, Address, $"Cannot connect to {Address}: {e.Message}", e);
        }
    }
}
