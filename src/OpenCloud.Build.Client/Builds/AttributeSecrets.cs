using Grpc.Core;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Builds;

/// <summary>Removes tokens in attributes of caches and outputs from error messages: a daemon that cannot parse or use an attribute may repeat it.</summary>
internal static class AttributeSecrets
{
    private const string Hidden = "***";
    private const int ShortestSecret = 4;

    private static readonly string[] Marks = ["token", "secret", "password", "passwd", "key", "credential", "auth", "sas"];

    public static RpcException Hide(RpcException error, ImageBuildRequest build)
    {
        string message = Hide(error.Status.Detail, build);
        return message == error.Status.Detail ? error : CallErrors.Create(error.StatusCode, message, error.Status.DebugException, error.Trailers);
    }

    public static string Hide(string text, ImageBuildRequest build)
    {
        foreach (string secret in build.CacheFrom.Concat(build.CacheTo).SelectMany(static c => c.Attributes)
            .Concat(build.Outputs.SelectMany(static o => o.Attributes))
            .Where(static a => Marks.Any(mark => a.Key.Contains(mark, StringComparison.OrdinalIgnoreCase)))
            .Select(static a => a.Value)
            .Concat(build.RegistryCredentials.Values.Select(static c => c.Secret))
            .Concat(DockerProxies.Secrets(build, null))
            .Where(static s => s.Length >= ShortestSecret)
            .OrderByDescending(static s => s.Length))
        {
            text = text.Replace(secret, Hidden, StringComparison.Ordinal);
        }

        return text;
    }
}
