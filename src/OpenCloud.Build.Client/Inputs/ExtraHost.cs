using System.Net;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>An entry for the /etc/hosts of steps.</summary>
/// <param name="Name">The host name.</param>
/// <param name="Address">The IP address, or <see cref="Gateway"/>.</param>
public sealed record ExtraHost(string Name, string Address)
{
    /// <summary>The placeholder for the address at which containers reach the engine's host.</summary>
    public const string Gateway = "host-gateway";

    // moby, daemon/internal/builder-next/worker/label; buildx reads it from the worker as well (driver/docker/driver.go, HostGatewayIP).
    private const string GatewayLabel = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

    /// <summary>Parses <c>name:address</c> or <c>name=address</c>; the address may be in brackets.</summary>
    /// <exception cref="FormatException">The text is not a name and an address.</exception>
    public static ExtraHost Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int end = text.IndexOf('=', StringComparison.Ordinal) is >= 0 and var equals ? equals : text.IndexOf(':', StringComparison.Ordinal);
        string address = text[(end + 1)..];
        address = address is ['[', .. var inner, ']'] ? inner : address;
        return end > 0 && (address == Gateway || IPAddress.TryParse(address, out _))
            ? new ExtraHost(text[..end], address)
            : throw new FormatException($"'{text}' is not a host name with an IP address");
    }

    /// <summary>The entry in the engine's form. The frontend accepts only addresses, so the gateway is resolved first.</summary>
    /// <exception cref="ImageBuildException">The engine does not report its gateway.</exception>
    internal string Resolve(EngineProfile engine) => Address != Gateway ? $"{Name}={Address}"
        : engine.Labels.TryGetValue(GatewayLabel, out string? address) && IPAddress.TryParse(address, out _) ? $"{Name}={address}"
        : throw new ImageBuildException(
            BuildFailureKind.Unsupported, $"The engine {engine.Address} does not report the address of its gateway; use an IP address for '{Name}' instead of {Gateway}.", null)
        {
            Address = engine.Address.ToString(),
            Ref = string.Empty,
        };
}
