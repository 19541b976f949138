using System.Collections;
using System.Management.Automation;
using System.Security;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Parses a user's outputs, caches, secrets, SSH agents and registry credentials: docker's strings, hashtables, or PowerShell objects. Relative
/// paths start at the session's location. No message repeats a value, which may be a secret.
/// </summary>
internal sealed class ExchangeArguments(Func<string, string> resolvePath)
{
    private const string FilePrefix = "file:";
    private const string EnvironmentPrefix = "env:";

    public IReadOnlyList<BuildOutput> Outputs(object[]? values) => [.. Each("Output", values, BuildOutput.Parse, static pairs => new BuildOutput
    {
        Type = Take(pairs, "type") ?? throw new FormatException("the type is missing; for example @{ type = 'local'; dest = 'out' }."),
        Destination = Take(pairs, "dest") ?? Take(pairs, "destination"),
        Attributes = pairs,
    }).Select(Resolve)];

    public IReadOnlyList<BuildCache> Caches(string parameter, object[]? values) => [.. Each(parameter, values, BuildCache.Parse, static pairs => BuildCache.Checked(new BuildCache
    {
        Type = Take(pairs, "type") ?? throw new FormatException("the type is missing; for example @{ type = 'registry'; ref = 'registry.local/app:cache' }."),
        Attributes = pairs,
    })).Select(Resolve)];

    public IReadOnlyDictionary<string, BuildSecret> Secrets(IDictionary? values)
    {
        Dictionary<string, BuildSecret> secrets = new(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in values ?? new Hashtable())
        {
            string id = entry.Key.ToString() ?? "";
            secrets[id] = id.Length == 0 ? throw Refuse("Secret", "the id of a secret is missing.") : Base(entry.Value) switch
            {
                SecureString secure => BuildSecret.FromSecureString(secure),
                PSCredential credential => BuildSecret.FromSecureString(credential.Password),
                byte[] bytes => BuildSecret.FromBytes(bytes),
                FileInfo file => BuildSecret.FromFile(file.FullName),
                string text when text.StartsWith(FilePrefix, StringComparison.Ordinal) && text.Length > FilePrefix.Length => BuildSecret.FromFile(resolvePath(text[FilePrefix.Length..])),
                string text when text.StartsWith(EnvironmentPrefix, StringComparison.OrdinalIgnoreCase) && text.Length > EnvironmentPrefix.Length => BuildSecret.FromEnvironment(text[EnvironmentPrefix.Length..]),
                _ => throw Refuse("Secret", $"'{id}' must be 'file:PATH', 'env:NAME', a secure string, a credential, a byte array or a file object; plain text is not accepted as a secret."),
            };
        }

        return secrets;
    }

    /// <summary>Parses SSH agents: docker's strings, or hashtables of ids and paths.</summary>
    public IReadOnlyList<SshForward> Ssh(object[]? values)
    {
        List<SshForward> forwards = [];
        foreach (object? value in (values ?? []).Select(Base))
        {
            if (value is IDictionary map)
            {
                foreach (DictionaryEntry entry in map)
                {
                    object? paths = Base(entry.Value);
                    IEnumerable<object?> list = paths is string or null ? new object?[] { paths } : LanguagePrimitives.ConvertTo<object?[]>(paths);
                    forwards.Add(Resolve(new SshForward { Id = entry.Key.ToString()!, Paths = [.. list.Select(static p => Base(p)?.ToString() ?? "").Where(static p => p.Length > 0)] }));
                }
            }
            else
            {
                forwards.Add(Resolve(Guard("Ssh", () => SshForward.Parse(value?.ToString() ?? ""))));
            }
        }

        return forwards;
    }

    public static IReadOnlyDictionary<string, RegistryCredential> RegistryCredentials(IDictionary? values)
    {
        Dictionary<string, RegistryCredential> credentials = new(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in values ?? new Hashtable())
        {
            string host = entry.Key.ToString() ?? "";
            if (host.Length == 0 || host.Contains('/', StringComparison.Ordinal))
            {
                throw Refuse("RegistryCredential", $"'{host}' is not a registry host, such as 'registry.local:5000'.");
            }

            credentials[host] = Base(entry.Value) is PSCredential credential
                ? RegistryCredential.From(credential.UserName, credential.Password)
                : throw Refuse("RegistryCredential", $"the value for '{host}' is not a credential; Get-Credential creates one.");
        }

        return credentials;
    }

    private static object? Base(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    private static BuildErrorException Refuse(string parameter, string reason, Exception? cause = null) =>
        ErrorCatalog.InvalidBuildOption.ToException(null, cause, parameter, reason);

    private static string? Take(Dictionary<string, string> pairs, string name) => pairs.Remove(name, out string? value) && value.Length > 0 ? value : null;

    private static T Guard<T>(string parameter, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw Refuse(parameter, exception.Message, exception);
        }
    }

    private static IEnumerable<T> Each<T>(string parameter, object[]? values, Func<string, T> parse, Func<Dictionary<string, string>, T> make)
        where T : class
    {
        foreach (object? value in UnquotedText.Join(values))
        {
            yield return value switch
            {
                T ready => ready,
                IDictionary map => Guard(parameter, () => make(Pairs(map))),
                _ => Guard(parameter, () => parse(value?.ToString() ?? "")),
            };
        }
    }

    private static Dictionary<string, string> Pairs(IDictionary map)
    {
        Dictionary<string, string> pairs = new(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in map)
        {
            // BuildKit writes true and false in lower case.
            pairs[entry.Key.ToString()!.ToLowerInvariant()] = Base(entry.Value) switch
            {
                bool flag => flag ? "true" : "false",
                SwitchParameter flag => flag ? "true" : "false",
                SecureString secure => new System.Net.NetworkCredential("", secure).Password,
                object other => LanguagePrimitives.ConvertTo<string>(other),
                null => "",
            };
        }

        return pairs;
    }

    // PowerShell's own text, including results and warnings, goes to standard output (in a remote session, its protocol): bytes would mix with it.
    private BuildOutput Resolve(BuildOutput output) => output.Destination switch
    {
        null or "" => output,
        BuildOutput.StandardOutput => throw Refuse(
            "Output", "'-' (standard output) is reserved for PowerShell's text output; write an archive to a file, a named pipe or an inherited file descriptor, such as /dev/fd/3."),
        string place => new BuildOutput { Type = output.Type, Destination = resolvePath(place), Attributes = output.Attributes },
    };

    private BuildCache Resolve(BuildCache cache)
    {
        if (cache.Type != BuildCache.Local)
        {
            return cache;
        }

        Dictionary<string, string> attributes = new(cache.Attributes, StringComparer.Ordinal);
        foreach (string name in new[] { "src", "dest" })
        {
            if (attributes.TryGetValue(name, out string? path) && path.Length > 0)
            {
                attributes[name] = resolvePath(path);
            }
        }

        return new BuildCache { Type = cache.Type, Attributes = attributes };
    }

    private SshForward Resolve(SshForward forward) => new() { Id = forward.Id, Paths = [.. forward.Paths.Select(resolvePath)] };
}
