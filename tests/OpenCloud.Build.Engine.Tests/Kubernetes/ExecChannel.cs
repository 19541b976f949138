using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>
/// The server's end of <c>kubectl exec</c>: <c>v5.channel.k8s.io</c> (kubernetes/apimachinery, pkg/util/remotecommand and httpstream/wsstream). The first byte of each
/// message is its channel; 255 closes the channel that its second byte names. The result of the command is a Status on the error channel.
/// </summary>
internal sealed class ExecChannel(WebSocket socket)
{
    public const string Protocol = "v5.channel.k8s.io";

    private const byte Input = 0;
    private const byte Output = 1;
    private const byte Errors = 2;
    private const byte Result = 3;
    private const byte Close = 255;

    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Runs <c>buildctl dial-stdio</c>: copies between the command's input and output and an engine.</summary>
    /// <param name="engine">The connection to the engine.</param>
    /// <param name="killed">Cancelled when the container is killed.</param>
    public async Task DialAsync(Stream engine, CancellationToken killed)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(killed);
        Task input = ReadInputAsync(engine, end.Token);
        try
        {
            byte[] buffer = new byte[64 << 10];
            int count;
            while ((count = await engine.ReadAsync(buffer.AsMemory(), end.Token)) > 0)
            {
                await SendAsync(Output, buffer.AsMemory(0, count), end.Token);
            }

            await EndAsync(0);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            await EndAsync(killed.IsCancellationRequested ? 137 : 1);
        }
        finally
        {
            await end.CancelAsync();
            await input;
        }
    }

    /// <summary>Ends the command with a text and an exit code.</summary>
    public async Task FailAsync(string text, int code)
    {
        await SendAsync(Errors, Encoding.UTF8.GetBytes(text), CancellationToken.None);
        await EndAsync(code);
    }

    private async Task EndAsync(int code)
    {
        JsonObject status = new() { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = code == 0 ? "Success" : "Failure" };
        if (code != 0)
        {
            status["reason"] = "NonZeroExitCode";
            status["message"] = $"command terminated with non-zero exit code: error executing command, exit code {code}";
            status["details"] = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ExitCode", ["message"] = $"{code}" }) };
        }

        try
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(5));
            await SendAsync(Result, Encoding.UTF8.GetBytes(status.ToJsonString()), limit.Token);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone.
        }
    }

    private async Task ReadInputAsync(Stream engine, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            while (true)
            {
                int length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    if (length == buffer.Length)
                    {
                        Array.Resize(ref buffer, 2 * buffer.Length);
                    }

                    part = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                    length += part.Count;
                }
                while (!part.EndOfMessage);

                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await engine.DisposeAsync();
                    return;
                }

                if (length > 1 && buffer[0] == Input)
                {
                    await engine.WriteAsync(buffer.AsMemory(1, length - 1), cancellationToken);
                }
                else if (length == 2 && buffer[0] == Close && buffer[1] == Input && engine is NetworkStream network)
                {
                    network.Socket.Shutdown(SocketShutdown.Send);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or SocketException or ObjectDisposedException)
        {
            // kubectl was killed, or the command has ended.
            await engine.DisposeAsync();
        }
    }

    private async Task SendAsync(byte channel, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        byte[] message = new byte[bytes.Length + 1];
        message[0] = channel;
        bytes.CopyTo(message.AsMemory(1));
        await _one.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, true, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }
}
