using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>An API server of the tests, a real kubectl that knows it as the context <c>test</c>, and a real engine in every pod.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private readonly ContextFolder _folder;

    private Cluster(ContextFolder folder, ApiServer server) => (_folder, Server) = (folder, server);

    public ApiServer Server { get; }

    public EngineConnectOptions Options => new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(30),
        GetEnvironmentVariable = name => name == "PATH" ? $"{_folder.Path}:/usr/bin:/bin" : Environment.GetEnvironmentVariable(name),
    };

    /// <summary>Starts it. Skips the test where kubectl's package is not available.</summary>
    public static async Task<Cluster> StartAsync(RunningEngine engine)
    {
        IReadOnlyDictionary<string, string> packages;
        try
        {
            packages = await EngineScript.GetAsync("kubectl");
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }

        ApiServer server = await ApiServer.StartAsync(() => ConnectAsync(engine));
        ContextFolder folder = new();
        folder.Write("config", $$"""
            apiVersion: v1
            kind: Config
            current-context: test
            clusters: [{ name: test, cluster: { server: "{{server.Address}}" } }]
            users: [{ name: test, user: {} }]
            contexts: [{ name: test, context: { cluster: test, user: test, namespace: ci } }]

            """, "600");
        folder.Write("kubectl", $"#!/bin/sh\nKUBECONFIG='{folder.Path}/config' exec '{packages["kubectl"]}/usr/bin/kubectl' --cache-dir='{folder.Path}/cache' \"$@\"\n", "755");
        return new Cluster(folder, server);
    }

    public BuildKitDeployments Deployments(string? @namespace = "ci", string? context = null) => new(context, @namespace, TimeSpan.FromSeconds(30), Options.GetEnvironmentVariable);

    /// <summary>Runs kubectl, as an operator does.</summary>
    public Task RunAsync(params string[] arguments) => new Kubectl("test", "ci", Options.GetEnvironmentVariable, TimeSpan.FromSeconds(30)).RunAsync(arguments[0], arguments);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }

    // A Docker Engine's BuildKit is behind an upgrade; buildkitd's own socket is not.
    private static async Task<Stream> ConnectAsync(RunningEngine engine)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        string path = engine.DockerSocket ?? engine.Address["unix://".Length..];
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        NetworkStream stream = new(socket, ownsSocket: true);
        if (engine.DockerSocket is null)
        {
            return stream;
        }

        await stream.WriteAsync("POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"u8.ToArray());
        StringBuilder answer = new();
        byte[] one = new byte[1];
        while (!answer.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one);
            answer.Append((char)one[0]);
        }

        Assert.Contains(" 101 ", answer.ToString(), StringComparison.Ordinal);
        return stream;
    }
}
