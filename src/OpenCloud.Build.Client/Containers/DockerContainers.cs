using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Images.Docker;

namespace OpenCloud.Build.Client.Containers;

/// <summary>The containers, volumes and networks of a Docker Engine's HTTP API (moby, api/swagger.yaml). Names are checked by the caller.</summary>
internal sealed class DockerContainers(DockerEngineClient client)
{
    private const int MostOfLog = 64 * 1024;
    private const int LogLines = 5;

    // The header of a part of a log: the stream, three zeros, the length (moby, api: ContainerAttach).
    private const int LogHeader = 8;

    /// <summary>All containers that this library made, also those that do not run.</summary>
    public async Task<List<HostedContainer>> ListAsync(CancellationToken cancellationToken)
    {
        string filter = Uri.EscapeDataString(new JsonObject { ["label"] = new JsonArray(ContainerLabels.EngineLabel) }.ToJsonString());
        List<HostedContainer> containers = [];
        IAsyncEnumerator<JsonElement> list = client.ListAsync($"/containers/json?all=1&filters={filter}", cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using ConfiguredAsyncDisposable end = list.ConfigureAwait(false);
        while (await list.MoveNextAsync().ConfigureAwait(false))
        {
            JsonElement one = list.Current;
            if (DockerJson.Texts(one, "Names") is [var name, ..])
            {
                containers.Add(new HostedContainer(
                    DockerJson.Text(one, "Id"), name.TrimStart('/'), ContainerLabels.From(DockerJson.Map(one, "Labels")), DockerJson.Text(one, "State"), 0, DockerJson.Text(one, "ImageID"), DockerJson.Time(one, "Created")));
            }
        }

        return containers;
    }

    /// <summary>A container by its name or id; null when there is none.</summary>
    public async Task<HostedContainer?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (await client.GetAsync($"/containers/{name}/json", cancellationToken).ConfigureAwait(false) is not { } one)
        {
            return null;
        }

        JsonElement config = DockerJson.Find(one, "Config") ?? default;
        JsonElement state = DockerJson.Find(one, "State") ?? default;

        // In seconds, as in the list.
        DateTimeOffset? created = DateTimeOffset.TryParse(DockerJson.Text(one, "Created"), System.Globalization.CultureInfo.InvariantCulture, out DateTimeOffset time)
            ? DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds()) : null;
        return new HostedContainer(
            DockerJson.Text(one, "Id"),
            DockerJson.Text(one, "Name").TrimStart('/'),
            ContainerLabels.From(DockerJson.Map(config, "Labels")),
            DockerJson.Text(state, "Status"),
            DockerJson.Number(one, "RestartCount"),
            DockerJson.Text(one, "Image"),
            created);
    }

    /// <summary>Creates a container, which does not run yet; its id.</summary>
    public async Task<string> CreateAsync(string name, JsonObject body, CancellationToken cancellationToken)
    {
        string id = await client.PostAsync($"/containers/create?name={name}", body, cancellationToken).ConfigureAwait(false) is { } made ? DockerJson.Text(made, "Id") : string.Empty;

        // The id becomes a part of paths.
        return id.Length is > 0 and <= 128 && id.All(char.IsAsciiLetterOrDigit) ? id : throw new DockerEngineException(null, $"{client.Address}: the answer to the creation of a container has no id.");
    }

    public Task StartAsync(string id, CancellationToken cancellationToken) => client.PostAsync($"/containers/{id}/start", null, cancellationToken);

    /// <summary>Stops a container; one that does not end within 10 s is killed.</summary>
    public Task StopAsync(string id, CancellationToken cancellationToken) => client.PostAsync($"/containers/{id}/stop?t=10", null, cancellationToken);

    public Task RenameAsync(string id, string name, CancellationToken cancellationToken) => client.PostAsync($"/containers/{id}/rename?name={name}", null, cancellationToken);

    /// <summary>Removes a container, also a running one, with its anonymous volumes.</summary>
    public Task<bool> RemoveAsync(string id, CancellationToken cancellationToken) => client.ChangeAsync(HttpMethod.Delete, $"/containers/{id}?force=1&v=1", cancellationToken);

    /// <summary>The labels of a volume; null when there is no such volume.</summary>
    public async Task<IReadOnlyDictionary<string, string>?> FindVolumeAsync(string name, CancellationToken cancellationToken) =>
        await client.GetAsync($"/volumes/{name}", cancellationToken).ConfigureAwait(false) is { } volume ? DockerJson.Map(volume, "Labels") : null;

    public Task CreateVolumeAsync(string name, JsonObject labels, CancellationToken cancellationToken) =>
        client.PostAsync("/volumes/create", new JsonObject { ["Name"] = name, ["Labels"] = labels }, cancellationToken);

    public Task<bool> RemoveVolumeAsync(string name, CancellationToken cancellationToken) => client.ChangeAsync(HttpMethod.Delete, $"/volumes/{name}", cancellationToken);

    public async Task<bool> HasNetworkAsync(string name, CancellationToken cancellationToken) => await client.GetAsync($"/networks/{name}", cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>The last words of the program in a container, as one line.</summary>
    public async Task<string> ReadLogAsync(string id, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> log = await client.ReadStartAsync($"/containers/{id}/logs?stdout=1&stderr=1&tail={LogLines}", MostOfLog, cancellationToken).ConfigureAwait(false);
        return ContainerLog.Bounded(TextOf(log.Span));
    }

    internal static string TextOf(ReadOnlySpan<byte> log)
    {
        StringBuilder text = new();
        while (log.Length > LogHeader)
        {
            uint length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(log[4..]);
            int taken = (int)Math.Min(length, (uint)(log.Length - LogHeader));
            text.Append(Encoding.UTF8.GetString(log.Slice(LogHeader, taken)));
            log = log[(LogHeader + taken)..];
        }

        return text.ToString().Trim();
    }
}
