using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Images.Docker;

namespace OpenCloud.Build.Client;

/// <summary>
/// Names for the completion of addresses: what this machine's configuration and Docker Engine list. Names that are not valid in an address are
/// left out.
/// </summary>
public static class RemoteEngineNames
{
    private const int MostConfiguration = 1 << 20;

    /// <summary>The contexts of the docker command.</summary>
    /// <param name="options">The options with the variables of the environment.</param>
    public static IReadOnlyList<string> DockerContexts(EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return [.. new DockerContextFiles(options.GetEnvironmentVariable).List().Where(RemoteAddress.IsContext)];
    }

    /// <summary>The hosts that <c>~/.ssh/config</c> names, without its patterns.</summary>
    /// <param name="options">The options with the variables of the environment.</param>
    public static IReadOnlyList<string> SshHosts(EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.GetEnvironmentVariable("HOME") is not { Length: > 0 } home || Path.Join(home, ".ssh/config") is not { } path || !File.Exists(path))
        {
            return [];
        }

        try
        {
            return
            [
                .. Encoding.UTF8.GetString(InputFile.ReadRegular(path, MostConfiguration).Bytes).Split('\n')
                    .Select(static line => line.Split((char[])[' ', '\t', '=', '\r'], StringSplitOptions.RemoveEmptyEntries))
                    .Where(static words => words.Length > 1 && words[0].Equals("Host", StringComparison.OrdinalIgnoreCase))
                    .SelectMany(static words => words.Skip(1))
                    .Where(static host => RemoteAddress.Parse(RemoteAddress.Ssh, host, out RemoteAddress? parsed) is null && parsed!.Name == host)
                    .Distinct(StringComparer.Ordinal),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The running containers of the Docker Engine of this machine; none when the engine is on another machine.</summary>
    /// <param name="options">The options of the connection.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="EngineConnectException">The engine cannot be reached.</exception>
    /// <exception cref="HttpRequestException">The engine does not answer.</exception>
    public static async Task<IReadOnlyList<string>> ListContainersAsync(EngineConnectOptions options, CancellationToken cancellationToken = default)
    {
        EngineAddress address = EngineDiscovery.DockerEngine(options);
        if (address.Path is null)
        {
            return [];
        }

        List<string> names = [];
        DockerEngineClient docker = new(address, options);
        await using (docker.ConfigureAwait(false))
        {
            IAsyncEnumerator<JsonElement> containers = docker.ListAsync("/containers/json", cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (containers.ConfigureAwait(false))
            {
                while (await containers.MoveNextAsync().ConfigureAwait(false))
                {
                    if (containers.Current.TryGetProperty("Names", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
                    {
                        names.AddRange(list.EnumerateArray().Select(static name => name.ToString().TrimStart('/')));
                    }
                }
            }
        }

        return [.. names.Where(static name => RemoteAddress.Parse(RemoteAddress.DockerContainer, name, out RemoteAddress? parsed) is null && parsed!.Name == name)];
    }
}
