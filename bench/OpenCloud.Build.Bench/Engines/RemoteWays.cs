using OpenCloud.Build.Client.Certificates;

namespace OpenCloud.Build.Bench.Engines;

/// <summary>The ways to a buildkitd of the bench's own as if it were on another machine, or in a container.</summary>
internal sealed class RemoteWays : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(2);

    private readonly IReadOnlyList<string> _names;
    private readonly string _scratch;
    private readonly string? _client;
    private SshHost? _ssh;

    /// <summary>Issues the certificates, if they are needed.</summary>
    /// <param name="names">The ways of the run.</param>
    /// <param name="scratch">The run's folder.</param>
    public RemoteWays(IReadOnlyList<string> names, string scratch)
    {
        _names = names;
        _scratch = scratch;
        if (names.Contains(BenchWay.Tls))
        {
            CertificateStore store = new(Path.Join(scratch, "pki"));
            _ = store.Issue(store.PlanAuthority()!, Lifetime);
            ServerCertificates = store.Issue(store.PlanServer(["127.0.0.1"], null, renew: false), Lifetime).Path;
            _client = store.Issue(store.PlanClient("bench", renew: false), Lifetime).Path;
        }
    }

    /// <summary>The certificates with which the engine listens on TCP; null when it does not.</summary>
    public string? ServerCertificates { get; }

    /// <summary>Starts what the ways need.</summary>
    /// <exception cref="BenchException">The engine is not one of the bench's own, or something is missing.</exception>
    public IReadOnlyList<BenchWay> Open(BenchEngine engine)
    {
        List<BenchWay> ways = [];
        foreach (string name in _names)
        {
            ways.Add(name == BenchWay.Socket ? BenchWay.ToSocket(engine) : Open(name, engine as OwnBuildkitd
                ?? throw new BenchException($"The way '{name}' needs buildkitd and buildctl on PATH, and root.")));
        }

        return ways;
    }

    /// <inheritdoc/>
    public void Dispose() => _ssh?.Dispose();

    private BenchWay Open(string name, OwnBuildkitd engine)
    {
        if (name == BenchWay.Tls)
        {
            return new(name, "over mutual TLS", engine.TcpAddress!, _client, new Dictionary<string, string>());
        }

        // On the other side, buildctl copies between its standard input and output and the engine's socket.
        string buildctl = Programs.Find("buildctl") ?? throw new BenchException($"The way '{name}' needs buildctl on PATH.");
        string folder = Directory.CreateDirectory(Path.Join(_scratch, name)).FullName;
        string dial = $"#!/bin/sh\nexec '{buildctl}' --addr '{engine.Address}' dial-stdio\n";
        if (name == BenchWay.Ssh)
        {
            WriteProgram(Path.Join(folder, "there", "buildctl"), dial);
            _ssh = new SshHost(folder, Path.Join(folder, "there"));
            WriteProgram(Path.Join(folder, "here", "ssh"), $"#!/bin/sh\nexec '{_ssh.Client}' -F '{_ssh.Configuration}' \"$@\"\n");
            return new(name, "over ssh", $"ssh://{SshHost.Name}", null, PathWith(Path.Join(folder, "here")));
        }

        WriteProgram(Path.Join(folder, "docker"), dial);
        return new(name, "over a container's standard input and output", "docker-container://bench", null, PathWith(folder));
    }

    private static void WriteProgram(string path, string script)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static Dictionary<string, string> PathWith(string folder) => new() { ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" };
}
