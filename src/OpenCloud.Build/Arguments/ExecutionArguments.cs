using System.Collections;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Parses a user's options for running steps.</summary>
internal static class ExecutionArguments
{
    /// <exception cref="BuildErrorException">An entry is not a name and an address.</exception>
    public static IReadOnlyList<ExtraHost> Hosts(IDictionary? hosts) => [.. HostArguments.Read(hosts).Select(static text =>
    {
        try
        {
            return ExtraHost.Parse(text);
        }
        catch (FormatException exception)
        {
            throw ErrorCatalog.InvalidOption.ToException(text, exception, "AddHost", text, "a host name and an IP address are required");
        }
    })];

    /// <exception cref="BuildErrorException">The size is not positive.</exception>
    public static long? SharedMemorySize(long? size) =>
        size is null or > 0 ? size : throw ErrorCatalog.InvalidOption.ToException(size, null, "ShmSize", size, "it is not a size");

    /// <exception cref="BuildErrorException">A limit is unknown or invalid.</exception>
    public static IReadOnlyList<ResourceLimit> Limits(IDictionary? limits) =>
    [
        .. KeyValueArguments.Read("Ulimit", limits, static _ => "").Select(static limit =>
            ResourceLimit.TryParse($"{limit.Key}={limit.Value}", out ResourceLimit? read, out string? error)
                ? read
                : throw ErrorCatalog.InvalidOption.ToException(limit.Key, null, "Ulimit", $"{limit.Key}={limit.Value}", error)),
    ];

    /// <exception cref="BuildErrorException">An entitlement is unknown.</exception>
    public static IReadOnlyList<string> Entitlements(IEnumerable<string> entitlements) =>
    [
        .. entitlements.Select(static e => BuildExecution.IsEntitlement(e)
            ? e
            : throw ErrorCatalog.InvalidOption.ToException(e, null, "Allow", e, "the entitlement is unknown; use network.host, security.insecure, device or device=NAME")),
    ];
}
