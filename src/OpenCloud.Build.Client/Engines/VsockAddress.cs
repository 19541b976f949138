using System.Globalization;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// The two forms of a vsock address. Context ids and ports are 32-bit numbers whose highest value is a wildcard for listeners
/// (vsock(7)): neither it nor 0, which once meant the hypervisor, can be connected to.
/// </summary>
internal static class VsockAddress
{
    public const string Scheme = "vsock";
    public const string HybridScheme = "vsock+unix";

    private const uint Local = 1;
    private const uint Host = 2;

    public static bool Is(string scheme) => scheme is Scheme or HybridScheme;

    public static string Format(EngineAddress address) => address.ContextId is { } id
        ? string.Create(CultureInfo.InvariantCulture, $"{address.Scheme}://{id}:{address.Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{address.Scheme}://{address.Path}:{address.Port}");

    /// <summary>The machine at the other end, as errors name it.</summary>
    public static string Peer(EngineAddress address) => address.ContextId switch
    {
        null => "the virtual machine",
        Local => "this machine",
        Host => "the host of this virtual machine",
        var id => $"the virtual machine {id}",
    };

    /// <summary>Returns null and sets the address, or returns the fault. Parses the part after <c>://</c>.</summary>
    public static string? Parse(string quoted, string scheme, string rest, out EngineAddress? address)
    {
        address = null;
        string example = scheme == Scheme ? "vsock://3:8088" : "vsock+unix:///run/vm.sock:8088";
        int at = rest.LastIndexOf(':');
        // A path may have colons; the last one precedes the port.
        if (at < 0 || !TryNumber(rest.AsSpan(at + 1), out uint port))
        {
            return $"{quoted} requires a port between 1 and {uint.MaxValue - 1}, for example {example}.";
        }

        string before = rest[..at];
        if (scheme == HybridScheme)
        {
            if (before.Length < 2 || before[0] != '/')
            {
                return $"{quoted} requires the absolute path of the virtual machine's socket, for example {example}.";
            }

            if (EngineAddress.CheckSocketPath(before) is { } problem)
            {
                return problem;
            }

            address = new EngineAddress(scheme, path: before, port: port);
            return null;
        }

        uint id = before.ToUpperInvariant() switch
        {
            "LOCAL" => Local,
            "HOST" => Host,
            _ when TryNumber(before, out uint number) => number,
            _ => 0,
        };
        if (id == 0)
        {
            return $"{quoted} requires a context id: a number between 1 and {uint.MaxValue - 1}, 'local' (1, this machine) or 'host' (2, from within a virtual machine), for example {example}.";
        }

        address = new EngineAddress(scheme, port: port, contextId: id);
        return null;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and < uint.MaxValue;
}
