using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>
/// The proxies of docker's configuration, which RUN steps get as build arguments. The frontend predefines these names: they are in no layer, no
/// history and no cache key.
/// </summary>
/// <remarks>Source: docker/cli, cli/config/configfile (ParseProxyConfig): each name in both cases, unless the user gives either.</remarks>
internal static class DockerProxies
{
    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        ["httpProxy"] = "HTTP_PROXY",
        ["httpsProxy"] = "HTTPS_PROXY",
        ["noProxy"] = "NO_PROXY",
        ["ftpProxy"] = "FTP_PROXY",
        ["allProxy"] = "ALL_PROXY",
    };

    public static IEnumerable<KeyValuePair<string, string>> For(ImageBuildRequest build, EngineAddress engine)
    {
        foreach ((string key, string value) in Read(build, engine))
        {
            // The frontend knows one value whatever the case, and accepts either where they differ (dockerfile2llb's proxyEnvFromBuildArgs).
            if (value.Length > 0 && Names.TryGetValue(key, out string? name)
                && !build.BuildArguments.Keys.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                yield return new(name, value);
                yield return new(name.ToLowerInvariant(), value);
            }
        }
    }

    /// <summary>The passwords in the proxies' addresses, which messages must not show.</summary>
    public static IEnumerable<string> Secrets(ImageBuildRequest build, EngineAddress? engine) =>
        Read(build, engine).Select(static p => p.Value).Concat(build.BuildArguments.Where(static a => Names.ContainsValue(a.Key.ToUpperInvariant())).Select(static a => a.Value))
            .Select(static v => Uri.TryCreate(v, UriKind.Absolute, out Uri? uri) && uri.UserInfo.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? uri.UserInfo[(colon + 1)..] : "")
            .Where(static s => s.Length > 0);

    private static IReadOnlyDictionary<string, string> Read(ImageBuildRequest build, EngineAddress? engine)
    {
        try
        {
            // docker names a daemon by its socket.
            string host = engine is { Scheme: "docker", Path: { } path } ? "unix://" + path : engine?.ToString() ?? "";
            return DockerConfigFile.Read(build.DockerConfigDirectory ?? DockerConfigFile.DefaultDirectory).Proxies(host);
        }
        catch (RegistryCredentialException)
        {
            // Code that needs a credential of the file reports that it cannot be read.
            return new Dictionary<string, string>();
        }
    }
}
