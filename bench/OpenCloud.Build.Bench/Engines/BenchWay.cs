namespace OpenCloud.Build.Bench.Engines;

/// <summary>How the clients of a run reach its engine.</summary>
/// <param name="Name">As <c>--way</c> takes it.</param>
/// <param name="Title">As the results call it; empty for the engine's own socket.</param>
/// <param name="Address">The engine's address on it, as buildctl and this project take it.</param>
/// <param name="Certificates">A directory with ca.pem, cert.pem and key.pem of a client; null without TLS.</param>
/// <param name="Environment">What the clients' environment has beside this process's.</param>
internal sealed record BenchWay(string Name, string Title, string Address, string? Certificates, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The engine's own socket.</summary>
    public const string Socket = "socket";

    /// <summary>TCP on loopback with mutual TLS.</summary>
    public const string Tls = "tls";

    /// <summary>OpenSSH on loopback, and buildctl on the other side.</summary>
    public const string Ssh = "ssh";

    /// <summary>Standard input and output of <c>docker exec</c>, and buildctl on the other side.</summary>
    public const string Container = "container";

    /// <summary>All there are.</summary>
    public static IReadOnlyList<string> All { get; } = [Socket, Tls, Ssh, Container];

    /// <summary>Whether the engine is reached as it is on its own machine.</summary>
    public bool IsSocket => Name == Socket;

    /// <summary>The way to an engine on this machine.</summary>
    public static BenchWay ToSocket(BenchEngine engine) => new(Socket, "", engine.Address, null, new Dictionary<string, string>());
}
