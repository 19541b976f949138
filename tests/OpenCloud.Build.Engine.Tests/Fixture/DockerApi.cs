using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Docker Engine's HTTP API, to look at what a build left in its store.</summary>
public sealed class DockerApi : IDisposable
{
    private readonly HttpClient _client;

    /// <summary>Prepares to talk with a Docker Engine.</summary>
    /// <param name="engine">An engine with <see cref="RunningEngine.DockerSocket"/>.</param>
    public DockerApi(RunningEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        UnixDomainSocketEndPoint socket = new(engine.DockerSocket ?? throw new ArgumentException($"{engine} is no Docker Engine", nameof(engine)));
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectCallback = ConnectAsync })
        {
            BaseAddress = new Uri("http://docker/"),
        };

        async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await connection.ConnectAsync(socket, cancellationToken);
                return new NetworkStream(connection, ownsSocket: true);
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }
    }

    /// <summary>The engine's answer to <c>docker version</c>.</summary>
    public Task<JsonElement> GetVersionAsync(CancellationToken cancellationToken)
    {
        return GetAsync("version", cancellationToken);
    }

    /// <summary>The engine's answer to <c>docker image inspect</c>.</summary>
    /// <exception cref="HttpRequestException">No such image (404), or another refusal.</exception>
    public Task<JsonElement> InspectImageAsync(string name, CancellationToken cancellationToken)
    {
        return GetAsync($"images/{name}/json", cancellationToken);
    }

    /// <summary>Whether the engine has an image of that name.</summary>
    public async Task<bool> HasImageAsync(string name, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await _client.GetAsync($"images/{name}/json", cancellationToken);
        return answer.StatusCode != HttpStatusCode.NotFound && answer.EnsureSuccessStatusCode().IsSuccessStatusCode;
    }

    /// <summary>Reads a whole image, as <c>docker save</c> would write it.</summary>
    public async Task<TarImage> ReadImageAsync(string name, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer =
            await _client.GetAsync($"images/{name}/get", HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        answer.EnsureSuccessStatusCode();
        await using Stream archive = await answer.Content.ReadAsStreamAsync(cancellationToken);
        return await TarImage.ReadAsync(archive, cancellationToken);
    }

    /// <summary>Removes an image.</summary>
    public async Task RemoveImageAsync(string name, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await _client.DeleteAsync($"images/{name}?force=true", cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
    }

    private async Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken)
    {
        await using Stream answer = await _client.GetStreamAsync(path, cancellationToken);
        using JsonDocument document = await JsonDocument.ParseAsync(answer, cancellationToken: cancellationToken);
        return document.RootElement.Clone();
    }
}
