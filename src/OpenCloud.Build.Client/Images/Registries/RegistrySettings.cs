using System.Net;
using System.Text.Json;
using OpenCloud.Build.Client.Credentials;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>
/// The servers of a registry, as this machine's engines are configured: containerd's <c>hosts.toml</c> if it has one for the registry, else
/// <c>registry-mirrors</c> and <c>insecure-registries</c> of Docker Engine's <c>daemon.json</c>.
/// </summary>
/// <remarks>containerd, docs/hosts.md; docs.docker.com, dockerd (Daemon configuration file, Insecure registries). Registries on loopback are insecure in both.</remarks>
internal sealed class RegistrySettings(string hostsFolder, IReadOnlyList<string> daemonFiles)
{
    private const int MaxBytes = 1024 * 1024;

    public static RegistrySettings OfThisMachine { get; } = new(
        "/etc/containerd/certs.d",
        [
            "/etc/docker/daemon.json",
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "docker", "daemon.json"),
        ]);

    /// <summary>The servers in the order of use, the registry itself last.</summary>
    /// <exception cref="RegistryException">A file cannot be read or is invalid, or the host is invalid.</exception>
    public IReadOnlyList<RegistryEndpoint> EndpointsOf(string host, bool allowInsecure)
    {
        string name = RegistryHosts.KeyOf(host) == RegistryHosts.HubKey ? RegistryHosts.HubHost : host;
        (List<string> mirrors, List<string> insecure) = ReadDaemonFiles(host);
        RegistryEndpoint own = Make(name, allowInsecure || IsInsecure(name, insecure)) ?? throw new RegistryException(RegistryFailure.Invalid, host, $"Invalid registry host '{host}'.");
        string key = name == RegistryHosts.HubHost ? "docker.io" : host;
        if (HostsFile.Find(hostsFolder, key) is { } file)
        {
            IReadOnlyList<RegistryEndpoint> read = HostsFile.Read(file, key, own, allowInsecure);
            return [.. read.SkipLast(1), read[^1] with { Registry = host }];
        }

        return
        [
            .. name != RegistryHosts.HubHost ? [] : mirrors.Select(m => Uri.TryCreate(m, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"
                ? new RegistryEndpoint([new Uri(address, "/v2/")]) { CanPush = false, IsInsecure = allowInsecure || address.Scheme == "http" || IsInsecure(address.Authority, insecure) }
                : throw new RegistryException(RegistryFailure.Invalid, host, $"Invalid mirror '{m}' in Docker Engine's configuration: it is not an http or https address.")),
            own with { Registry = host },
        ];
    }

    /// <summary>The registry itself: by HTTPS, then by HTTP if it is insecure; null when the host is invalid.</summary>
    internal static RegistryEndpoint? Make(string host, bool isInsecure)
    {
        Uri? secure = AddressOf("https", host);
        Uri? plain = AddressOf("http", host);
        return secure is null || plain is null ? null : new RegistryEndpoint(isInsecure ? [secure, plain] : [secure]) { IsInsecure = isInsecure };
    }

    private static Uri? AddressOf(string scheme, string host) =>
        Uri.TryCreate($"{scheme}://{host}/v2/", UriKind.Absolute, out Uri? address) && address.UserInfo.Length == 0 && address.AbsolutePath == "/v2/" && address.Query.Length == 0 && host.Length > 0
            ? address
            : null;

    private static bool IsInsecure(string host, IReadOnlyList<string> insecure)
    {
        if (RegistryHosts.IsLoopback(host))
        {
            return true;
        }

        string bare = Uri.TryCreate("http://" + host, UriKind.Absolute, out Uri? uri) ? uri.Host.Trim('[', ']') : host;
        return insecure.Any(entry => entry.Equals(host, StringComparison.OrdinalIgnoreCase)
            || (IPNetwork.TryParse(entry, out IPNetwork network) && IPAddress.TryParse(bare, out IPAddress? address) && network.Contains(address)));
    }

    private (List<string> Mirrors, List<string> Insecure) ReadDaemonFiles(string host)
    {
        List<string> mirrors = [];
        List<string> insecure = [];
        foreach (string path in daemonFiles)
        {
            try
            {
                if (BoundedFile.TryRead(path, MaxBytes, followLink: true) is not { } bytes)
                {
                    continue;
                }

                using JsonDocument document = JsonDocument.Parse(bytes);
                mirrors.AddRange(Texts(document.RootElement, "registry-mirrors"));
                insecure.AddRange(Texts(document.RootElement, "insecure-registries"));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                throw new RegistryException(RegistryFailure.Invalid, host, $"The file '{path}', which lists mirrors and insecure registries, is not valid JSON.", e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // This user must not read the engine's file; its settings stay unknown.
            }
        }

        return (mirrors, insecure);
    }

    private static IEnumerable<string> Texts(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(static e => e.GetString()).OfType<string>()] : [];
}
