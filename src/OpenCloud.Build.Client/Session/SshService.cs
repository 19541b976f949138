using System.Net.Sockets;
using Grpc.Core;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.SshForward;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Session;

/// <summary>The session's attachable for <c>RUN --mount=type=ssh</c>: <c>moby.sshforward.v1.SSH</c>, with <see cref="SshAgentFilter"/> in between.</summary>
/// <remarks>Source: moby/buildkit, session/sshforward: a header names the agent, and each connection of the step is one call.</remarks>
internal sealed class SshService : SSH.SSHBase, IDisposable
{
    private const string IdHeader = "buildkit.ssh.id";

    private readonly Dictionary<string, string> _sockets = new(StringComparer.Ordinal);
    private readonly List<PrivateSshAgent> _agents = [];

    /// <summary>Finds the agents, and starts one for each set of key files.</summary>
    /// <exception cref="IOException">An agent or a key is missing or cannot be used.</exception>
    public SshService(IReadOnlyList<SshForward> forwards)
    {
        try
        {
            foreach (SshForward forward in forwards)
            {
                if (!_sockets.TryAdd(forward.Id, SocketOf(forward)))
                {
                    throw new IOException($"The SSH agent id '{forward.Id}' is used twice.");
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void BindTo(GrpcServer server)
    {
        if (_sockets.Count > 0)
        {
            SSH.BindService(server, this);
        }
    }

    public override Task<CheckAgentResponse> CheckAgent(CheckAgentRequest request, ServerCallContext context)
    {
        SocketOf(request.ID);
        return Task.FromResult(new CheckAgentResponse());
    }

    public override async Task ForwardAgent(IAsyncStreamReader<BytesMessage> requestStream, IServerStreamWriter<BytesMessage> responseStream, ServerCallContext context)
    {
        GrpcServerCall call = GrpcServerCall.Of(context);
        CancellationToken cancellationToken = context.CancellationToken;
        string socketPath = SocketOf(context.RequestHeaders.GetValue(IdHeader) ?? string.Empty);
        try
        {
            using Socket socket = await UnixSocket.ConnectAsync(socketPath, UnixSocket.DefaultTimeout, cancellationToken).ConfigureAwait(false);
            await using NetworkStream agent = new(socket);
            await call.SendHeadersAsync().ConfigureAwait(false);
            await PassAsync(call, agent, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidDataException && !cancellationToken.IsCancellationRequested)
        {
            // Not Unavailable: the daemon passes the code on as the build's, where it means that the engine is gone.
            throw CallErrors.Create(StatusCode.Unknown, "the SSH agent does not respond", e);
        }
    }

    public void Dispose()
    {
        foreach (PrivateSshAgent agent in _agents)
        {
            agent.Dispose();
        }

        _agents.Clear();
    }

    private static bool IsSocket(string path)
    {
        byte[] terminated = [.. System.Text.Encoding.UTF8.GetBytes(path), 0];
        return LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, terminated, 0, out LinuxStat stat)
            ? stat.Type == UnixMode.Socket
            : throw new IOException($"The SSH agent socket or key '{path}' does not exist.");
    }

    private static async Task<byte[]> ReadAnswerAsync(Stream agent, CancellationToken cancellationToken)
    {
        byte[] head = new byte[4];
        await agent.ReadExactlyAsync(head, cancellationToken).ConfigureAwait(false);
        byte[] answer = new byte[SshAgentFilter.LengthOf(head)!.Value];
        head.CopyTo(answer, 0);
        await agent.ReadExactlyAsync(answer.AsMemory(4), cancellationToken).ConfigureAwait(false);
        return answer;
    }

    private string SocketOf(SshForward forward)
    {
        if (forward.Paths.Count == 0)
        {
            return Environment.GetEnvironmentVariable("SSH_AUTH_SOCK") is { Length: > 0 } path && IsSocket(path)
                ? path
                : throw new IOException($"No SSH agent for '{forward.Id}': SSH_AUTH_SOCK is not set. Start an SSH agent, or use a socket or key files.");
        }

        List<bool> sockets = [.. forward.Paths.Select(IsSocket)];
        if (sockets.Contains(true))
        {
            return sockets.Count == 1
                ? forward.Paths[0]
                : throw new IOException($"The SSH agent '{forward.Id}' must be either one socket or key files, not both.");
        }

        PrivateSshAgent agent = PrivateSshAgent.Start(forward.Paths);
        _agents.Add(agent);
        return agent.SocketPath;
    }

    private string SocketOf(string id)
    {
        string name = id.Length == 0 ? SshForward.DefaultId : id;
        return _sockets.TryGetValue(name, out string? socket)
            ? socket
            : throw CallErrors.Create(StatusCode.NotFound, $"unset ssh forward key {name}");
    }

    /// <summary>Requests may arrive in pieces or several at once; they are passed on one by one.</summary>
    private static async Task PassAsync(GrpcServerCall call, NetworkStream agent, CancellationToken cancellationToken)
    {
        SshMessageBuffer pending = new();
        while (await call.ReadMessageAsync(cancellationToken).ConfigureAwait(false) is { } message)
        {
            using (message)
            {
                pending.Add(BytesField.Read(message.Memory).Span);
            }

            while (pending.TryTake(out ReadOnlyMemory<byte> request))
            {
                byte[] answer = SshAgentFilter.Failure;
                if (SshAgentFilter.IsAllowed(request.Span))
                {
                    await agent.WriteAsync(request, cancellationToken).ConfigureAwait(false);
                    answer = await ReadAnswerAsync(agent, cancellationToken).ConfigureAwait(false);
                }

                await call.WriteBytesAsync(answer, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
