using System.Net.Sockets;

namespace OpenCloud.Build.Client.Tests.Reliability;

/// <summary>A way to an engine that writes down what the engine says, and when.</summary>
internal sealed class BuildRecorder : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocb-record-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _engine;
    private readonly List<(MemoryStream Sent, (MemoryStream Sent, int Length)[] All, byte[] Bytes)> _parts = [];
    private readonly List<MemoryStream> _sent = [];
    private readonly Task _accepting;

    /// <summary>Opens the way.</summary>
    /// <param name="engine">The engine's socket.</param>
    public BuildRecorder(string engine)
    {
        _engine = engine;
        Path = System.IO.Path.Combine(_folder.FullName, "s");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>The way's socket.</summary>
    public string Path { get; }

    /// <summary>Ends the recording.</summary>
    public async Task<RecordedBuild> EndAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        return new RecordedBuild { Parts = [.. _parts.Select(static p => new RecordedBuild.Part(CallOf(p.Sent), p.All.Where(a => a.Sent == p.Sent).Sum(Counted), p.All.Sum(Counted), p.Bytes))] };
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _listener.Dispose();
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    private static int Counted((MemoryStream Sent, int Length) sent) => RecordedBuild.Count(sent.Sent.GetBuffer().AsSpan(0, sent.Length));

    private static string CallOf(MemoryStream sent) =>
        RecordedBuild.CallOf(sent.GetBuffer().AsSpan(0, (int)sent.Length)) ?? throw new InvalidOperationException("A connection has a call that is not recorded.");

    private async Task AcceptAsync()
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                open.Add(PassAsync(await _listener.AcceptAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task PassAsync(Socket client)
    {
        using (client)
        using (Socket engine = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await engine.ConnectAsync(new UnixDomainSocketEndPoint(_engine));
            MemoryStream sent = new();
            lock (_parts)
            {
                _sent.Add(sent);
            }

            await Task.WhenAll(
                CopyAsync(client, engine, bytes =>
                {
                    lock (_parts)
                    {
                        sent.Write(bytes.Span);
                    }
                }),
                CopyAsync(engine, client, bytes =>
                {
                    lock (_parts)
                    {
                        // Its settings come before it is asked for anything.
                        _parts.Add((sent, [.. _sent.Select(static s => (s, (int)s.Length))], bytes.ToArray()));
                    }
                }));
        }
    }

    private async Task CopyAsync(Socket from, Socket to, Action<ReadOnlyMemory<byte>> note)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and int count)
            {
                note(buffer.AsMemory(0, count));
                await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // The build has ended.
        }
    }
}
