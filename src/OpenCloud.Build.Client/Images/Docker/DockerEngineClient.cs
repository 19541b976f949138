using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>A client of a Docker Engine's HTTP API.</summary>
/// <remarks>moby, api/swagger.yaml. The path of a request names the API version that it is written for.</remarks>
internal sealed class DockerEngineClient : IAsyncDisposable
{
    // The API version of the newest fields used here; requests to an older engine use its own version.
    private static readonly Version NewestApi = new(1, 48);

    // The limits of one document, a whole list, and the text of a failure. A list of 10,000 images takes some 20 MB.
    private const int MostOfDocument = 32 * 1024 * 1024;
    private const long MostOfList = 1L << 30;
    private const int MostOfMessage = 1024 * 1024;
    private const int LongestWords = 2000;

    // A loaded engine may need long for a small document, too; one that needs longer says nothing at all.
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(60);

    // The removal of a volume with a large cache takes minutes.
    private static readonly TimeSpan LongestRemoval = TimeSpan.FromMinutes(10);

    private readonly HttpMessageInvoker _http;
    private readonly IEngineConnector _connector;
    private readonly EngineConnectOptions _options;
    private readonly SemaphoreSlim _once = new(1);
    private EngineFacts? _facts;
    private Stream? _connected;

    /// <summary>Creates a client of a <c>docker://</c> address; it connects with the first request.</summary>
    public DockerEngineClient(EngineAddress address, EngineConnectOptions options)
    {
        DockerConnector docker = (DockerConnector)EngineConnectors.Create(address, options);
        _connector = docker.Api;
        _options = options;
        Address = docker.Address;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
                Interlocked.Exchange(ref _connected, null) ?? await ConnectRetry.ConnectAsync(_connector, options, cancellationToken).ConfigureAwait(false),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        });
    }

    public EngineAddress Address { get; }

    /// <summary>How long the answer to a request may take, and the next element of a list; not that of a removal, and not a transfer of images.</summary>
    public TimeSpan AnswerLimit { get; init; } = LongestAnswer;

    /// <summary>How long a removal may take.</summary>
    public TimeSpan RemovalLimit { get; init; } = LongestRemoval;

    /// <exception cref="EngineConnectException">The engine is not reached, or does not answer within the time for the connection.</exception>
    public async Task<EngineFacts> GetFactsAsync(CancellationToken cancellationToken)
    {
        await _once.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _facts ??= await ReadFactsAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _once.Release();
        }
    }

    /// <summary>Requests a document; null when it does not exist (404).</summary>
    /// <exception cref="EngineConnectException">The engine does not answer.</exception>
    public Task<JsonElement?> GetAsync(string path, CancellationToken cancellationToken) => WithinAsync(AnswerLimit, "a request", token => GetUnlimitedAsync(path, token), cancellationToken);

    public async IAsyncEnumerable<JsonElement> ListAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The limit is for each element: a list of all can take longer, and its reader, too.
        using CancellationTokenSource idle = new(Timeout.InfiniteTimeSpan, _options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, idle.Token);
        using HttpResponseMessage answer = await WithinAsync(
            AnswerLimit, "a request", token => SendAsync(HttpMethod.Get, path, null, token), cancellationToken).ConfigureAwait(false);
        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        BoundedStream stream = new(await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), MostOfList, TooLong);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        IAsyncEnumerator<JsonElement> elements = JsonArrayReader.ReadAsync(stream, MostOfDocument, either.Token).GetAsyncEnumerator(either.Token);
        await using ConfiguredAsyncDisposable end = elements.ConfigureAwait(false);
        while (true)
        {
            try
            {
                idle.CancelAfter(AnswerLimit);
                if (!await elements.MoveNextAsync().ConfigureAwait(false))
                {
                    yield break;
                }

                idle.CancelAfter(Timeout.InfiniteTimeSpan);
            }
            catch (JsonException e)
            {
                throw NoJson(e);
            }
            catch (OperationCanceledException e) when (idle.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw TooLate("the whole of a request", AnswerLimit, e);
            }

            yield return elements.Current;
        }
    }

    public async Task CopyToAsync(string path, Stream destination, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken).ConfigureAwait(false);
        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        await answer.Content.CopyToAsync(destination, cancellationToken).ConfigureAwait(false);
    }

    /// <returns>Whether the object exists (anything but 404).</returns>
    /// <exception cref="EngineConnectException">The engine does not answer. The change can have been made.</exception>
    public Task<bool> ChangeAsync(HttpMethod method, string path, CancellationToken cancellationToken) =>
        WithinAsync(method == HttpMethod.Delete ? RemovalLimit : AnswerLimit, NameOf(method, path), token => ChangeUnlimitedAsync(method, path, token), cancellationToken);

    private async Task<bool> ChangeUnlimitedAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(method, path, null, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Posts a document, or nothing; the document of the answer, null when there is none. An object that is in the requested state already is a success (304).</summary>
    /// <exception cref="EngineConnectException">The engine does not answer. The change can have been made.</exception>
    public Task<JsonElement?> PostAsync(string path, JsonObject? body, CancellationToken cancellationToken) =>
        WithinAsync(AnswerLimit, NameOf(HttpMethod.Post, path), token => PostUnlimitedAsync(path, body, token), cancellationToken);

    private async Task<JsonElement?> PostUnlimitedAsync(string path, JsonObject? body, CancellationToken cancellationToken)
    {
        using HttpContent? content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, path, content, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode is HttpStatusCode.NotModified or HttpStatusCode.NoContent)
        {
            return null;
        }

        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        using JsonDocument? document = answer.Content.Headers.ContentLength == 0 ? null : await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
        return document?.RootElement.Clone();
    }

    /// <summary>The beginning of an answer, at most so many bytes; empty when the object does not exist.</summary>
    /// <exception cref="EngineConnectException">The engine does not answer, or not completely.</exception>
    public Task<ReadOnlyMemory<byte>> ReadStartAsync(string path, int most, CancellationToken cancellationToken) =>
        WithinAsync(AnswerLimit, "a request", token => ReadStartUnlimitedAsync(path, most, token), cancellationToken);

    private async Task<ReadOnlyMemory<byte>> ReadStartUnlimitedAsync(string path, int most, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return default;
        }

        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        byte[] bytes = new byte[most];
        Stream stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        return bytes.AsMemory(0, await stream.ReadAtLeastAsync(bytes, most, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Sends bytes and reads the messages that the engine sends while it works.</summary>
    /// <exception cref="DockerEngineException">One of the messages is an error.</exception>
    public async Task SendAsync(string path, HttpContent content, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, path, content, cancellationToken).ConfigureAwait(false);
        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        using StreamReader reader = new(new BoundedStream(await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), MostOfDocument, TooLong));
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            using JsonDocument message = Parse(Encoding.UTF8.GetBytes(line));
            if (DockerJson.Find(message.RootElement, "error") is not null)
            {
                throw new DockerEngineException(null, $"{Address}: {TerminalText.Bounded(DockerJson.Text(message.RootElement, "error"), LongestWords)}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (Interlocked.Exchange(ref _connected, null) is { } unused)
        {
            await unused.DisposeAsync().ConfigureAwait(false);
        }

        (_connector as IDisposable)?.Dispose();
        _once.Dispose();
    }

    private async Task<JsonElement?> GetUnlimitedAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        using JsonDocument document = await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
        return document.RootElement.Clone();
    }

    private DockerEngineException TooLong() => new(null, $"{Address}: the answer is too long.");

    private DockerEngineException NoJson(JsonException error) => new(null, $"{Address}: the answer is not JSON: {error.Message}");

    private JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw NoJson(e);
        }
    }

    private async Task<JsonDocument> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        BoundedStream stream = new(await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), MostOfDocument, TooLong);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        try
        {
            return await JsonDocument.ParseAsync(stream, default, cancellationToken).ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            throw NoJson(e);
        }
    }

    // What accepts a connection and then says nothing would be waited for without end.
    private async Task<T> WithinAsync<T>(TimeSpan limit, string what, Func<CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(limit, _options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await run(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw TooLate(what, limit, e);
        }
    }

    private EngineConnectException TooLate(string what, TimeSpan limit, Exception cause) => new(
        EngineConnectReason.Timeout, Address, string.Create(CultureInfo.InvariantCulture, $"{Address} accepted the connection, but did not answer {what} within {limit.TotalSeconds:0.###} s."), cause);

    // What was asked for can have been done, so it is named.
    private static string NameOf(HttpMethod method, string path) => $"the request {method} {path.Split('?')[0]}";

    private async Task<EngineFacts> ReadFactsAsync(CancellationToken cancellationToken)
    {
        // Connecting has a limit of its own; that of the answer begins after it.
        _connected ??= await ConnectRetry.ConnectAsync(_connector, _options, cancellationToken).ConfigureAwait(false);
        EngineFacts facts = await WithinAsync(_options.ConnectTimeout, "a request for its version", ReadVersionAsync, cancellationToken).ConfigureAwait(false);
        return await WithinAsync(AnswerLimit, "a request for its store", token => ReadStoreAsync(facts, token), cancellationToken).ConfigureAwait(false);
    }

    private async Task<EngineFacts> ReadVersionAsync(CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "http://localhost/version");
        using HttpResponseMessage answer = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        await ThrowIfFailedAsync(answer, cancellationToken).ConfigureAwait(false);
        using JsonDocument version = await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
        Version api = Version.TryParse(DockerJson.Text(version.RootElement, "ApiVersion"), out Version? spoken) && spoken < NewestApi ? spoken : NewestApi;
        return new EngineFacts(api, DockerJson.Text(version.RootElement, "Version"), false);
    }

    private async Task<EngineFacts> ReadStoreAsync(EngineFacts facts, CancellationToken cancellationToken)
    {
        using HttpRequestMessage info = new(HttpMethod.Get, $"http://localhost/v{facts.Api}/info");
        using HttpResponseMessage infoAnswer = await _http.SendAsync(info, cancellationToken).ConfigureAwait(false);
        await ThrowIfFailedAsync(infoAnswer, cancellationToken).ConfigureAwait(false);
        using JsonDocument document = await ReadAsync(infoAnswer, cancellationToken).ConfigureAwait(false);

        // With containerd's store the status of the "driver" contains: [["driver-type","io.containerd.snapshotter.v1"]].
        string status = DockerJson.Find(document.RootElement, "DriverStatus") is { } driver ? driver.GetRawText() : string.Empty;
        return facts with { UsesContainerd = status.Contains("io.containerd.snapshotter.", StringComparison.Ordinal) };
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        EngineFacts facts = await GetFactsAsync(cancellationToken).ConfigureAwait(false);
        using HttpRequestMessage request = new(method, $"http://localhost/v{facts.Api}{path}") { Content = content };
        return await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private async Task ThrowIfFailedAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.IsSuccessStatusCode)
        {
            return;
        }

        // The beginning is enough: a longer answer is no JSON, and only its first words are shown.
        byte[] bytes = new byte[MostOfMessage];
        Stream stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        Memory<byte> body = bytes.AsMemory(0, await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false));
        string said;
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            said = DockerJson.Text(document.RootElement, "message");
        }
        catch (JsonException)
        {
            said = Encoding.UTF8.GetString(body.Span[..Math.Min(body.Length, 200)]);
        }

        said = TerminalText.Bounded(said, LongestWords);
        throw new DockerEngineException(answer.StatusCode, $"{Address}: {(said.Length > 0 ? said : answer.ReasonPhrase)} (HTTP {(int)answer.StatusCode})");
    }
}

/// <summary>A Docker Engine's API version in use, its own version, and its store. With containerd's, ids are digests of indexes and manifests.</summary>
internal sealed record EngineFacts(Version Api, string Version, bool UsesContainerd);
