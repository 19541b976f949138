using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>
/// Saves logins as docker does: in <c>auths</c> of its <c>config.json</c>, or with the credential helper that the file names for the registry or for
/// all registries. The rest of the file is preserved. Only its owner can access it.
/// </summary>
/// <remarks>docker/cli, cli/config/configfile (GetCredentialsStore) and cli/config/credentials: beside a helper, <c>auths</c> keeps an empty entry.</remarks>
internal sealed class DockerConfigWriter(string directory)
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private const UnixFileMode OwnersAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _path = Path.Combine(directory, "config.json");

    /// <summary>Stores a credential; returns the file or the program that has it.</summary>
    /// <exception cref="RegistryCredentialException">The file cannot be read or written, or the helper failed. The file is unchanged.</exception>
    public async Task<string> StoreAsync(string host, RegistryCredential credential, CancellationToken cancellationToken)
    {
        string key = RegistryHosts.KeyOf(host);
        JsonObject root = Read();
        JsonObject auths = Section(root, "auths");
        (string? helper, string name) = HelperOf(root, key);
        if (helper is not null)
        {
            await CredentialHelper.StoreAsync(helper, name, credential.UserName, credential.Secret, cancellationToken).ConfigureAwait(false);
        }

        // Another spelling of the same host would be found in place of this one.
        foreach (string other in NamesIn(auths, key))
        {
            auths.Remove(other);
        }

        auths[helper is null ? key : name] = helper is null
            ? new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.UserName}:{credential.Secret}")) }
            : new JsonObject();

        Write(root);
        return helper is null ? _path : CredentialHelper.Prefix + helper;
    }

    public async Task<bool> RemoveAsync(string host, CancellationToken cancellationToken)
    {
        string key = RegistryHosts.KeyOf(host);
        JsonObject root = Read();
        JsonObject auths = Section(root, "auths");
        string[] names = NamesIn(auths, key);
        bool isKnown = names.Length > 0;
        (string? helper, string spelling) = HelperOf(root, key);
        if (helper is not null && (isKnown || await CredentialHelper.GetAsync(helper, spelling, cancellationToken).ConfigureAwait(false) is not null))
        {
            // It knows the names with an empty entry.
            foreach (string name in names.Where(n => auths[n] is JsonObject { Count: 0 }).Append(spelling).Distinct(StringComparer.Ordinal))
            {
                await CredentialHelper.EraseAsync(helper, name, cancellationToken).ConfigureAwait(false);
            }

            isKnown = true;
        }

        if (names.Length > 0)
        {
            foreach (string name in names)
            {
                auths.Remove(name);
            }

            Write(root);
        }

        return isKnown;
    }

    private static string[] NamesIn(JsonObject auths, string key) =>
        [.. auths.Select(static a => a.Key).Where(name => RegistryHosts.AreSame(name, key) || RegistryHosts.AreSame(DockerConfigFile.HostOf(name), key))];

    // A helper knows a host by the spelling in the file.
    private static (string? Helper, string Name) HelperOf(JsonObject root, string key)
    {
        if (root["credHelpers"] is JsonObject helpers && RegistryHosts.Find(helpers.Select(static h => h.Key), key) is { } name
            && helpers[name] is JsonValue own && own.TryGetValue(out string? helper) && helper.Length > 0)
        {
            return (helper, name);
        }

        string known = root["auths"] is JsonObject auths ? RegistryHosts.Find(auths.Select(static a => a.Key), key) ?? key : key;
        return (root["credsStore"] is JsonValue all && all.TryGetValue(out string? store) && store.Length > 0 ? store : null, known);
    }

    private JsonObject Section(JsonObject root, string name)
    {
        if (root[name] is JsonObject there)
        {
            return there;
        }

        if (root[name] is not null)
        {
            throw Invalid();
        }

        JsonObject made = [];
        root[name] = made;
        return made;
    }

    private JsonObject Read()
    {
        try
        {
            return JsonNode.Parse(InputFile.ReadRegular(_path, MaxBytes).Bytes, null, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip }) as JsonObject ?? throw Invalid();
        }
        catch (FileNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException and not RegistryCredentialException or UnauthorizedAccessException)
        {
            throw new RegistryCredentialException($"The file '{_path}' cannot be read: {e.Message}.", e);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            // The parser's message may repeat secrets of the file.
            throw Invalid();
        }
    }

    private RegistryCredentialException Invalid() => new($"The file '{_path}' is not a valid docker configuration. It was not changed.");

    private void Write(JsonObject root)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                // An existing directory keeps its mode.
                Directory.CreateDirectory(directory, OwnersAlone | UnixFileMode.UserExecute);
            }

            // As with docker, a link is kept and its target is replaced.
            string real = new FileInfo(_path).LinkTarget is not null ? RealPaths.Resolve(_path) ?? _path : _path;
            WholeFile.Write(real, Encoding.UTF8.GetBytes(root.ToJsonString(Indented)), OwnersAlone);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryCredentialException($"The file '{_path}' cannot be written: {e.Message}", e);
        }
    }
}
