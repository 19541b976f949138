using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Failures;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>The registry credentials in docker's <c>config.json</c>, and the helper programs that it names.</summary>
/// <remarks>Source: docker/cli, cli/config/configfile and cli/config/credentials.</remarks>
internal sealed class DockerConfigFile
{
    private const int MaxBytes = 4 * 1024 * 1024;

    private readonly Dictionary<string, StoredCredential> _auths = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _helpers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, string>> _proxies = new(StringComparer.Ordinal);
    private string? _store;

    private DockerConfigFile(string path) => Path = path;

    public string Path { get; }

    public static string DefaultDirectory => Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } directory
        ? directory
        : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker");

    /// <summary>Reads the file of a directory; a missing file counts as empty.</summary>
    /// <exception cref="RegistryCredentialException">It cannot be read or is malformed.</exception>
    public static DockerConfigFile Read(string directory)
    {
        DockerConfigFile config = new(System.IO.Path.Combine(directory, "config.json"));
        byte[] content;
        try
        {
            content = InputFile.ReadRegular(config.Path, MaxBytes).Bytes;
        }
        catch (FileNotFoundException)
        {
            return config;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryCredentialException($"'{config.Path}' cannot be read: {e.Message}.", e);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(content, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip });
            config.Load(document.RootElement);
            return config;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // The parser's message may repeat secrets of the file.
            throw new RegistryCredentialException($"'{config.Path}' is not a valid Docker configuration file.");
        }
    }

    /// <summary>Finds a credential by its key (host with port, or Docker Hub's address).</summary>
    /// <exception cref="RegistryCredentialException">The helper program failed.</exception>
    public async Task<StoredCredential?> FindAsync(string host, CancellationToken cancellationToken)
    {
        // The helper knows a host by the spelling in the file.
        string name = RegistryHosts.Find(_helpers.Keys.Concat(_names), host) ?? host;
        if (_helpers.TryGetValue(name, out string? helper) || (helper = _store) is not null)
        {
            StoredCredential? found = await CredentialHelper.GetAsync(helper, name, cancellationToken).ConfigureAwait(false);
            if (found is not null || _helpers.ContainsKey(name))
            {
                return found;
            }
        }

        return _auths.TryGetValue(host, out StoredCredential? stored)
            ? stored
            : _auths.FirstOrDefault(pair => RegistryHosts.AreSame(HostOf(pair.Key), host)).Value;
    }

    /// <summary>The proxies for a daemon's containers, by the names in the file; those of <c>default</c> when the daemon has none.</summary>
    public IReadOnlyDictionary<string, string> Proxies(string host) =>
        _proxies.TryGetValue(host, out Dictionary<string, string>? own) || _proxies.TryGetValue("default", out own) ? own : new Dictionary<string, string>();

    public IReadOnlyList<string> Hosts => [.. _names.Concat(_helpers.Keys).Select(static n => n == RegistryHosts.HubKey ? "docker.io" : HostOf(n)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Whether the file has a login or a helper for a registry. Starts no program.</summary>
    public bool Names(string host) =>
        RegistryHosts.Find(_helpers.Keys.Concat(_names), host) is not null || _names.Any(name => RegistryHosts.AreSame(HostOf(name), host));

    // Older clients wrote addresses instead of hosts.
    internal static string HostOf(string key)
    {
        string rest = key.StartsWith("https://", StringComparison.Ordinal) ? key[8..] : key.StartsWith("http://", StringComparison.Ordinal) ? key[7..] : key;
        int slash = rest.IndexOf('/');
        return slash < 0 ? rest : rest[..slash];
    }

    private static string Text(JsonElement parent, string name)
        => parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : string.Empty;

    private static StoredCredential ReadAuth(JsonElement value)
    {
        (string user, string password) = (Text(value, "username"), Text(value, "password"));
        if (Text(value, "auth") is { Length: > 0 } both)
        {
            string decoded = Encoding.UTF8.GetString(Convert.FromBase64String(both));
            int colon = decoded.IndexOf(':');
            if (colon > 0)
            {
                (user, password) = (decoded[..colon], decoded[(colon + 1)..].TrimEnd('\0'));
            }
        }

        return new StoredCredential(user, password, Text(value, "identitytoken"), Text(value, "registrytoken"));
    }

    private void Load(JsonElement root)
    {
        _store = Text(root, "credsStore") is { Length: > 0 } store ? store : null;
        if (root.TryGetProperty("credHelpers", out JsonElement helpers) && helpers.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty helper in helpers.EnumerateObject())
            {
                _helpers[helper.Name] = helper.Value.GetString() ?? string.Empty;
            }
        }

        if (root.TryGetProperty("proxies", out JsonElement proxies) && proxies.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty host in proxies.EnumerateObject().Where(static h => h.Value.ValueKind == JsonValueKind.Object))
            {
                _proxies[host.Name] = host.Value.EnumerateObject().Where(static p => p.Value.ValueKind == JsonValueKind.String)
                    .DistinctBy(static p => p.Name).ToDictionary(static p => p.Name, static p => p.Value.GetString()!, StringComparer.Ordinal);
            }
        }

        if (root.TryGetProperty("auths", out JsonElement auths) && auths.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty auth in auths.EnumerateObject())
            {
                // docker login leaves an entry without a secret when a credential store has the secret.
                _names.Add(auth.Name);
                StoredCredential stored = ReadAuth(auth.Value);
                if (!stored.IsEmpty)
                {
                    _auths[auth.Name] = stored;
                }
            }
        }
    }
}
