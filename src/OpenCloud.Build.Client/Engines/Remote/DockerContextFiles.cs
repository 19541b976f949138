using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// Reads Docker's configuration: the name of the current context, and contexts, one folder each, named by the SHA-256 of the context's name
/// (docker/cli, cli/context/store; docs/reference/commandline/context).
/// </summary>
internal sealed class DockerContextFiles
{
    /// <summary>The context that Docker's variables and the default socket describe; it has no files.</summary>
    public const string Default = "default";

    private const int MostConfiguration = 4 << 20;
    private const int MostMeta = 1 << 20;
    private const int MostContexts = 1000;

    private readonly string? _folder;

    /// <summary>For <c>$DOCKER_CONFIG</c>, else <c>~/.docker</c>; without either there are no contexts.</summary>
    public DockerContextFiles(Func<string, string?> getEnvironmentVariable) =>
        _folder = getEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } set ? set
            : getEnvironmentVariable("HOME") is { Length: > 0 } home ? Path.Join(home, ".docker")
            : null;

    /// <summary>The folder of <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c> without <c>$DOCKER_CERT_PATH</c>.</summary>
    public string? Folder => _folder;

    /// <summary>The context of <c>docker context use</c>; null for the default.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public string? ReadCurrent()
    {
        string path = Path.Join(_folder, "config.json");
        if (_folder is null || !File.Exists(path))
        {
            return null;
        }

        if (JsonForm.Text(Read(path, MostConfiguration), "currentContext") is not { Length: > 0 } name || name == Default)
        {
            return null;
        }

        CheckTrust(path);
        return name;
    }

    /// <summary>The endpoint of a context; null when the context does not exist.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public Endpoint? Find(string name)
    {
        string id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        string path = Path.Join(_folder, "contexts/meta", id, "meta.json");
        if (_folder is null || !File.Exists(path))
        {
            return null;
        }

        CheckTrust(path);
        if ((Read(path, MostMeta)["Endpoints"] as JsonObject)?["docker"] is not JsonObject endpoint || JsonForm.Text(endpoint, "Host") is not { Length: > 0 } host)
        {
            throw new InvalidDataException($"'{path}' has no Docker endpoint.");
        }

        string material = Path.Join(_folder, "contexts/tls", id, "docker");
        bool skips = endpoint["SkipTLSVerify"] is JsonValue value && value.TryGetValue(out bool skip) && skip;
        return new Endpoint(host, Directory.Exists(material) ? material : null, skips);
    }

    /// <summary>The names of all contexts, for completion; those that cannot be read are left out.</summary>
    public IReadOnlyList<string> List()
    {
        string meta = Path.Join(_folder, "contexts/meta");
        if (_folder is null || !Directory.Exists(meta))
        {
            return [];
        }

        List<string> names = [];
        foreach (string folder in Directory.EnumerateDirectories(meta).Take(MostContexts))
        {
            try
            {
                if (JsonForm.Text(Read(Path.Join(folder, "meta.json"), MostMeta), "Name") is { Length: > 0 } name)
                {
                    names.Add(name);
                }
            }
            catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                // Another context may be whole.
            }
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    // A file that another user can change would decide which engine gets the sources and secrets of root's builds.
    private static void CheckTrust(string path)
    {
        if (ProgramTrust.Applies && ProgramTrust.Objection(path) is { } objection)
        {
            throw new IOException($"root does not use '{path}': {objection}");
        }
    }

    private static JsonObject Read(string path, int most)
    {
        try
        {
            return JsonForm.TryParseObject(InputFile.ReadRegular(path, most).Bytes) ?? throw new InvalidDataException($"'{path}' is not a JSON object.");
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Where a context leads.</summary>
    /// <param name="Host">The address in Docker's form.</param>
    /// <param name="Material">The folder of certificates and key; null for none.</param>
    /// <param name="SkipsVerification">Whether the context turns the verification of the certificate off.</param>
    internal sealed record Endpoint(string Host, string? Material, bool SkipsVerification);
}
