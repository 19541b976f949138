using System.Globalization;
using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Containers;

/// <summary>
/// The units of a vsock port of an engine in a container. An engine with a socket is behind systemd's proxy. One that only the docker command
/// reaches has a process per connection: Go cannot adopt vsock sockets, and copies between such a process and a pipe.
/// </summary>
internal sealed partial record ContainerVsockUnits(ContainerVsock Wanted, string? Docker)
{
    // systemd.unit(5): a name has at most 255 characters.
    private const int LongestEngine = 200;
    private const string Record = "[X-OpenCloud.Build]";

    public string SocketUnit => SocketUnitOf(Wanted.Engine);

    public string SocketPath => PathOf(SocketUnit);

    public string ServicePath => ServicePaths(Wanted.Engine)[Wanted.Socket is null ? 1 : 0];

    public string Socket => OwnedText.Seal(string.Create(CultureInfo.InvariantCulture,
        $"""
        [Unit]
        Description=The engine in the container {Wanted.Engine} at the vsock port {Wanted.Port}

        [Socket]
        # Any context id: the host of this virtual machine, and this machine itself.
        ListenStream=vsock::{Wanted.Port}
        {(Wanted.Socket is null ? "Accept=yes\nMaxConnections=256" : "Accept=no")}

        [Install]
        WantedBy=sockets.target

        {Record}
        Store={Wanted.Store}
        Port={Wanted.Port}

        """));

    // As root, whose socket it is, and without capabilities.
    public string Service => OwnedText.Seal(
        $"""
        [Unit]
        Description=From vsock to the engine in the container {Wanted.Engine}

        [Service]
        {(Wanted.Socket is { } socket
            ? $"ExecStart={Isolation.Proxy} --exit-idle-time=10min {socket}"
            : $"ExecStart={Docker} --host unix://{Wanted.DockerSocket} exec -i {Wanted.Engine} buildctl dial-stdio\nStandardInput=socket\nStandardOutput=socket\nStandardError=journal")}
        PrivateNetwork=yes
        PrivateDevices=yes
        ProtectHome=yes
        ProtectKernelTunables=yes
        ProtectControlGroups=yes
        NoNewPrivileges=yes
        RestrictAddressFamilies=AF_UNIX
        CapabilityBoundingSet=
        SystemCallFilter=@system-service
        LimitNOFILE=65536

        """);

    /// <summary>Whether a text of a path or an address can be in a unit's text as it is.</summary>
    public static bool IsPlain(string text) => PlainText().IsMatch(text);

    public static bool IsEngine(string name) => name.Length <= LongestEngine && EngineName().IsMatch(name);

    public static string SocketUnitOf(string engine) => $"opencloud-build-{engine}-vsock.socket";

    public static string PathOf(string unit) => $"{Systemctl.UnitDirectory}/{unit}";

    /// <summary>The paths of both kinds of service: behind the proxy, and a process per connection.</summary>
    public static string[] ServicePaths(string engine) => [PathOf($"opencloud-build-{engine}-vsock.service"), PathOf($"opencloud-build-{engine}-vsock@.service")];

    /// <summary>What a socket's unit that this module wrote leads to; null for another text.</summary>
    public static (string Store, uint Port)? Parse(string body)
    {
        string[] lines = body.Split('\n');
        int record = Array.IndexOf(lines, Record);
        return record >= 0 && lines.Length > record + 2 &&
            lines[record + 1].Split('=', 2) is ["Store", var store] &&
            lines[record + 2].Split('=', 2) is ["Port", var port] && uint.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? (store, number)
            : null;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.-]*\z")]
    private static partial Regex EngineName();

    [GeneratedRegex(@"\A[A-Za-z0-9/:._@=?-]+\z")]
    private static partial Regex PlainText();
}
