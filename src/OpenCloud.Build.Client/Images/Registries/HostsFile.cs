using Tomlyn;
using Tomlyn.Model;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>A registry's folder in containerd's configuration: its <c>hosts.toml</c>, or only certificate authorities.</summary>
/// <remarks>containerd, docs/hosts.md: the names of the folder, and each field.</remarks>
internal static class HostsFile
{
    private const int MaxBytes = 1024 * 1024;
    private const int MaxHosts = 64;

    public static string? Find(string folder, string host)
    {
        int colon = host.LastIndexOf(':');
        string[] names = colon > 0 ? [$"{host[..colon]}_{host[(colon + 1)..]}_", host, "_default"] : [host, "_default"];
        return names.Where(static n => !n.Contains('/', StringComparison.Ordinal) && n is not ("." or "..")).Select(n => Path.Combine(folder, n)).FirstOrDefault(Directory.Exists);
    }

    /// <summary>The servers that a folder names, in order; <c>own</c> is the registry without configuration.</summary>
    public static IReadOnlyList<RegistryEndpoint> Read(string folder, string host, RegistryEndpoint own, bool allowInsecure)
    {
        string path = Path.Combine(folder, "hosts.toml");
        try
        {
            if (BoundedFile.TryReadText(path, MaxBytes, followLink: true) is not { } text)
            {
                return [own with { Authorities = [.. own.Authorities, .. Directory.GetFiles(folder, "*.crt")] }];
            }

            // Tomlyn ends with an ArgumentOutOfRangeException where an escape is half a surrogate pair.
            TomlTable root = TomlSerializer.Deserialize<TomlTable>(text) ?? [];
            List<RegistryEndpoint> endpoints = [];
            if (root.TryGetValue("host", out object? hosts))
            {
                foreach ((string address, object settings) in Table(hosts, "host"))
                {
                    endpoints.Add(ReadHost(address, Table(settings, address)));
                }
            }

            RegistryEndpoint server = Text(root, "server") is { Length: > 0 } named ? ReadHost(named, root) : Complete(own, root);
            return endpoints.Count < MaxHosts ? [.. endpoints, server] : throw new FormatException($"it names more than {MaxHosts} hosts");
        }
        catch (Exception e) when (e is TomlException or FormatException or InvalidCastException or ArgumentException)
        {
            throw new RegistryException(RegistryFailure.Invalid, host, $"Invalid registry configuration '{path}': {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryException(RegistryFailure.Invalid, host, $"The registry configuration '{path}' cannot be read: {e.Message}", e);
        }

        RegistryEndpoint ReadHost(string address, TomlTable settings)
        {
            string whole = address.Contains("://", StringComparison.Ordinal) ? address : "https://" + address;
            if (!Uri.TryCreate(whole, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
            {
                throw new FormatException($"'{address}' is not the address of a server");
            }

            string given = uri.AbsolutePath.TrimEnd('/');
            string api = settings.TryGetValue("override_path", out object? overridden) && overridden is true || given.EndsWith("/v2", StringComparison.Ordinal) ? given : given + "/v2";
            string apart = uri.Authority.Equals(own.Host, StringComparison.OrdinalIgnoreCase) ? string.Empty : host;
            RegistryEndpoint endpoint = new([new Uri($"{uri.Scheme}://{uri.Authority}{api}/")])
            {
                // The file names plain HTTP explicitly.
                IsInsecure = allowInsecure || uri.Scheme == "http",
                Namespace = apart.Length > 0 ? apart : null,
            };
            return Complete(endpoint, settings);
        }

        RegistryEndpoint Complete(RegistryEndpoint endpoint, TomlTable settings)
        {
            IReadOnlyList<string>? can = settings.TryGetValue("capabilities", out object? capabilities) ? Texts(capabilities) : null;
            return endpoint with
            {
                CanPull = can?.Contains("pull") ?? endpoint.CanPull,
                CanResolve = can?.Contains("resolve") ?? endpoint.CanResolve,
                CanPush = can?.Contains("push") ?? endpoint.CanPush,
                IsInsecure = endpoint.IsInsecure || (settings.TryGetValue("skip_verify", out object? skip) && skip is true),
                Authorities = settings.TryGetValue("ca", out object? files) ? [.. Texts(files).Select(f => Path.Combine(folder, f))] : endpoint.Authorities,
                Headers = settings.TryGetValue("header", out object? headers)
                    ? Table(headers, "header").ToDictionary(static h => h.Key, static h => Texts(h.Value), StringComparer.OrdinalIgnoreCase)
                    : endpoint.Headers,
            };
        }
    }

    private static TomlTable Table(object value, string name) => value as TomlTable ?? throw new FormatException($"'{name}' is not a table");

    private static string Text(TomlTable table, string name) => table.TryGetValue(name, out object? value) ? value as string ?? throw new FormatException($"'{name}' is not a string") : string.Empty;

    private static IReadOnlyList<string> Texts(object value) => value switch
    {
        string one => [one],
        TomlArray many => [.. many.Select(static m => m as string ?? throw new FormatException("a list contains an element that is not a string"))],
        _ => throw new FormatException("a value is neither a string nor a list of strings"),
    };
}
