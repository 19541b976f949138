using System.Globalization;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// The command that connects its standard input and output to an engine elsewhere. The programs and their arguments are those of BuildKit's
/// client (moby/buildkit, client/connhelper) and, for a Docker Engine, of docker's (docker/cli, cli/connhelper).
/// </summary>
/// <param name="Program">The name of the program.</param>
/// <param name="Arguments">Its arguments. The remote command of ssh, which a shell reads there, consists of fixed words and a checked path.</param>
internal sealed record RemoteCommand(string Program, IReadOnlyList<string> Arguments)
{
    // No prompt: it would have no terminal, and automation would wait for it. No terminal, no agent or display for root of the other
    // machine, and no forwards of the user's configuration, which several connections at a time cannot all have. A peer that is gone ends the connection after a minute.
    private static readonly string[] SshOptions =
    [
        "-T",
        "-a",
        "-x",
        "-o", "BatchMode=yes",
        "-o", "ClearAllForwardings=yes",
        "-o", "RemoteCommand=none",
        "-o", "PermitLocalCommand=no",
        "-o", "ServerAliveInterval=15",
    ];

    /// <summary>What the other side lacks when it cannot run the command there: a program's name.</summary>
    public string Helper => Arguments.Contains("docker") ? "docker" : "buildctl";

    /// <summary>What runs on the other side, for messages.</summary>
    public string Remote => Program == "ssh" ? $"'{(Helper == "docker" ? "docker system" : Helper)} dial-stdio' there" : $"'{Program} exec'";

    public static RemoteCommand Of(RemoteAddress address) => address.Scheme switch
    {
        RemoteAddress.Ssh => new RemoteCommand("ssh", [.. SshOptions, .. SshHost(address), "buildctl", .. Option("--addr", address.Socket), "dial-stdio"]),
        RemoteAddress.DockerOverSsh => new RemoteCommand("ssh", [.. SshOptions, .. SshHost(address), "docker", .. Option("--host", address.Socket), "system", "dial-stdio"]),
        RemoteAddress.KubernetesPod => new RemoteCommand(
            "kubectl",
            [.. Joined("--context", address.Context), .. Joined("--namespace", address.Namespace), "exec", .. Joined("--container", address.Container), "-i", address.Name, "--", "buildctl", "dial-stdio"]),
        RemoteAddress.DockerContainer => new RemoteCommand("docker", [.. Joined("--context", address.Context), .. Exec(address)]),
        RemoteAddress.NerdctlContainer => new RemoteCommand("nerdctl", [.. Joined("--namespace", address.Namespace), .. Exec(address)]),
        _ => new RemoteCommand("podman", Exec(address)),
    };

    /// <summary>The command that logs in to the host and keeps the login for others, until its input ends.</summary>
    /// <remarks>Its details say how far it came when it does not end (<see cref="SshProgress"/>).</remarks>
    public static RemoteCommand Login(RemoteAddress address, string control) => new(
        "ssh", ["-S", control, "-v", "-o", "ControlMaster=yes", "-o", "ControlPersist=no", .. SshOptions, .. SshHost(address), "cat"]);

    /// <summary>The command of ssh that uses such a login.</summary>
    public RemoteCommand Sharing(string control) => this with { Arguments = ["-S", control, "-o", "ControlMaster=no", .. Arguments] };

    /// <summary>The command of ssh that logs in itself. A login of the user's configuration would outlive it (ssh_config(5), ControlPersist).</summary>
    public RemoteCommand Alone() => this with { Arguments = ["-S", "none", .. Arguments] };

    private static string[] Exec(RemoteAddress address) => ["exec", "-i", address.Name, "buildctl", "dial-stdio"];

    private static string[] SshHost(RemoteAddress address) =>
    [
        .. address.User is { } user ? (string[])["-l", user] : [],
        .. address.Port == 0 ? (string[])[] : ["-p", address.Port.ToString(CultureInfo.InvariantCulture)],
        "--", address.Name,
    ];

    private static string[] Option(string name, string? socket) => socket is null ? [] : [name, "unix://" + socket];

    /// <summary>An option with its value; none without one.</summary>
    public static string[] Joined(string name, string? value) => value is null ? [] : [$"{name}={value}"];
}
