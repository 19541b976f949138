using OpenCloud.Build.Client.Certificates;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>The ways to the socket of a Docker Engine on another machine: TLS by haproxy, ssh by sshd, and the exec command of a container engine.</summary>
internal sealed class RemoteWays : IAsyncDisposable
{
    public const string Tls = "TLS";
    public const string Ssh = "ssh";
    public const string Exec = "exec";

    private readonly ContextFolder _folder = new();
    private readonly ExecProgram _exec = new();
    private readonly RunningEngine _host;
    private readonly SshServer _ssh;
    private readonly string _server;
    private readonly string _client;
    private int _containers;

    private RemoteWays(RunningEngine host, SshServer ssh)
    {
        _host = host;
        _ssh = ssh;
        CertificateStore store = new(Path.Combine(_folder.Path, "pki"));
        BuildKitCertificate[] made = [.. new[] { store.PlanAuthority()!, store.PlanServer(["127.0.0.1"], null, false), store.PlanClient("ci", false) }.Select(s => store.Issue(s, TimeSpan.FromDays(90)))];
        (_server, _client) = (made[1].Path, made[2].Path);
    }

    public static IReadOnlyList<string> All { get; } = [Tls, Ssh, Exec];

    /// <summary>Starts the servers. Skips the test where they are not available.</summary>
    /// <param name="host">The engine that the proxies end with.</param>
    public static async Task<RemoteWays> StartAsync(RunningEngine host)
    {
        try
        {
            string docker = Path.Join((await EngineScript.GetAsync("docker-cli"))["docker-cli"], "usr/bin");
            return new RemoteWays(host, await SshServer.StartAsync($"{docker}:/usr/bin:/bin"));
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }
    }

    /// <summary>Makes a way.</summary>
    /// <param name="kind">One of <see cref="All"/>.</param>
    /// <param name="socket">Where to.</param>
    /// <param name="clock">The client's clock.</param>
    public async Task<RemoteWay> ToAsync(string kind, string socket, TimeProvider? clock = null)
    {
        EngineConnectOptions options = new() { ConnectTimeout = clock is null ? TimeSpan.FromSeconds(30) : TimeSpan.FromMinutes(5), TimeProvider = clock ?? TimeProvider.System };
        switch (kind)
        {
            case Tls:
                (int port, int process) = await EngineScript.ProtectAsync(_host, "haproxy", socket, _server);
                return new RemoteWay(kind, EngineAddress.Parse($"docker://127.0.0.1:{port}"), options with { Tls = new EngineTlsOptions { Directory = _client } }, () => [process]);
            case Ssh:
                return new RemoteWay(kind, EngineAddress.Parse($"docker+ssh://box{socket}"), options with { GetEnvironmentVariable = Search(_ssh.SearchPath) }, () => Programs(kind, socket));
            default:
                string container = $"box{Interlocked.Increment(ref _containers)}";
                _exec.Add(container, socket);
                return new RemoteWay(kind, EngineAddress.Parse($"docker-container://{container}"), options with { GetEnvironmentVariable = Search(_exec.SearchPath) }, () => Programs(kind, container));
        }
    }

    /// <summary>The processes of clients that carry a connection to a place, or to any.</summary>
    public List<int> Programs(string kind, string place = "") => kind switch
    {
        Ssh => LifetimeTests.ProcessesWith(_ssh.ClientMark, place),
        Exec => LifetimeTests.ProcessesWith(_exec.Mark, place),
        _ => [],
    };

    public async ValueTask DisposeAsync()
    {
        await _ssh.DisposeAsync();
        _exec.Dispose();
        _folder.Dispose();
    }

    private static Func<string, string?> Search(string path) => variable => variable == "PATH" ? path : Environment.GetEnvironmentVariable(variable);
}

/// <summary>A way to one socket.</summary>
/// <param name="Kind">One of <see cref="RemoteWays.All"/>.</param>
/// <param name="Address">Its address.</param>
/// <param name="Options">The options of its clients.</param>
/// <param name="Carriers">The processes that carry its connections now.</param>
internal sealed record RemoteWay(string Kind, EngineAddress Address, EngineConnectOptions Options, Func<List<int>> Carriers);
