using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Wire.Grpc;

namespace OpenCloud.Build.Client.Tests.Builds;

/// <summary>An engine whose answers to Solve and Status a test writes; it opens the session and asks for nothing in it.</summary>
internal sealed class FakeEngine : IAsyncDisposable
{
    private readonly GrpcPeer _peer;
    private int _statusCalls;

    private FakeEngine(GrpcPeer peer) => _peer = peer;

    /// <summary>Its socket.</summary>
    public string Path => _peer.Path;

    /// <summary>How often the status was asked for.</summary>
    public int StatusCalls => Volatile.Read(ref _statusCalls);

    /// <summary>Starts it.</summary>
    /// <param name="solve">Answers Solve.</param>
    /// <param name="status">Answers Status; the number is the call's, from 1.</param>
    /// <param name="workers">Answers ListWorkers; null for an answer without any.</param>
    public static async Task<FakeEngine> StartAsync(RequestDelegate solve, Func<HttpContext, int, Task> status, RequestDelegate? workers = null)
    {
        FakeEngine? engine = null;
        engine = new FakeEngine(await GrpcPeer.StartAsync(context => context.Request.Path.Value switch
        {
            "/moby.buildkit.v1.Control/Solve" => solve(context),
            "/moby.buildkit.v1.Control/Status" => status(context, Interlocked.Increment(ref engine!._statusCalls)),
            "/moby.buildkit.v1.Control/Session" => SessionAsync(context),
            _ => workers is null ? AnswerAsync(context, new ListWorkersResponse()) : workers(context),
        }));
        return engine;
    }

    public Task<BuildKitClient> ConnectAsync(Client.Engines.EngineConnectOptions? options = null) =>
        BuildKitClient.ConnectAsync(_peer.Address, options, Xunit.TestContext.Current.CancellationToken);

    /// <summary>Builds, and keeps the log.</summary>
    public async Task<(ImageBuildResult Result, List<string> Log)> BuildAsync(TimeSpan? timeout = null)
    {
        using Context.TemporaryDirectory folder = new();
        folder.File("Dockerfile", "FROM scratch\n");
        await using BuildKitClient client = await ConnectAsync();
        Log log = new();
        ImageBuildResult result = await client.BuildAsync(
            new ImageBuildRequest { ContextPath = folder.Path, Timeout = timeout }, log, Xunit.TestContext.Current.CancellationToken);
        return (result, log.Lines);
    }

    public static async Task AnswerAsync(HttpContext context, Google.Protobuf.IMessage answer)
    {
        await context.SendAsync(answer);
        context.End();
    }

    public static Task RefuseAsync(HttpContext context, StatusCode code, string message)
    {
        context.End(code, message);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => _peer.DisposeAsync();

    /// <summary>Opens a session, and asks for nothing in it.</summary>
    public static async Task SessionAsync(HttpContext context)
    {
        await context.StartGrpcAsync();
        byte[] buffer = new byte[4096];
        while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) > 0)
        {
        }

        context.End();
    }

    private sealed class Log : IBuildObserver
    {
        private readonly BuildLogWriter _writer;

        public Log() => _writer = new BuildLogWriter(Lines.Add);

        public List<string> Lines { get; } = [];

        public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
        {
            foreach (BuildEvent happened in events)
            {
                _writer.Write(happened);
            }
        }
    }
}
