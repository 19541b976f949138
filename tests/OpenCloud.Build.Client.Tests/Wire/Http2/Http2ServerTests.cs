using System.Net;
using System.Security.Cryptography;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>The server with .NET's HTTP/2 client as its peer.</summary>
public sealed class Http2ServerTests
{
    private static readonly HeaderList Ok = new() { { ":status", "200" } };

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HeadersContentAndTrailersGoBothWays()
    {
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(async (stream, cancellationToken) =>
        {
            byte[] content = await ReadAllAsync(stream, cancellationToken);
            HeaderList headers = new() { { ":status", "200" }, { "x-path", stream.Path }, { "x-many", string.Join('+', stream.RequestHeaders.GetValues("x-many")) } };
            await stream.WriteHeadersAsync(headers);
            await stream.WriteAsync(content, cancellationToken);
            await stream.WriteTrailersAsync(new HeaderList { { "x-length", content.Length.ToString() } });
        });
        HttpRequestMessage request = HttpClientPeer.NewRequest("/some/path?query", new ByteArrayContent("hello"u8.ToArray()));
        request.Headers.Add("x-many", ["a", "b"]);
        using HttpResponseMessage response = await peer.Client.SendAsync(request, TestToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("/some/path?query", response.Headers.GetValues("x-path").Single());
        Assert.Equal("a, b", response.Headers.GetValues("x-many").Single().Replace("+", ", "));
        Assert.Equal("hello", await response.Content.ReadAsStringAsync(TestToken));
        Assert.Equal("5", response.TrailingHeaders.GetValues("x-length").Single());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(50_000_000)]
    public async Task LargeContentIsEchoedWhole(int size)
    {
        byte[] sent = new byte[size];
        new Random(size).NextBytes(sent);
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(EchoAsync);
        using HttpResponseMessage response = await peer.SendAsync("/", new ByteArrayContent(sent), TestToken);
        Assert.Equal(SHA256.HashData(sent), await SHA256.HashDataAsync(await response.Content.ReadAsStreamAsync(TestToken), TestToken));
    }

    [Fact]
    public async Task ManyStreamsRunAtOnce()
    {
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(EchoAsync);
        Random random = new(1);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            byte[] sent = new byte[random.Next(400_000)];
            random.NextBytes(sent);
            using HttpResponseMessage response = await peer.SendAsync("/" + i, new ByteArrayContent(sent), TestToken);
            Assert.Equal(sent, await response.Content.ReadAsByteArrayAsync(TestToken));
        }));
    }

    [Fact]
    public async Task ASlowReaderHoldsUpOnlyItsOwnStream()
    {
        TaskCompletionSource done = new();
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(async (stream, cancellationToken) =>
        {
            await stream.WriteHeadersAsync(Ok);
            await stream.WriteAsync(new byte[stream.Path == "/slow" ? 50_000_000 : 10], cancellationToken);
            if (stream.Path == "/slow")
            {
                done.SetResult();
            }
        });
        using HttpResponseMessage slow = await peer.SendAsync("/slow", cancellationToken: TestToken);
        for (int i = 0; i < 20; i++)
        {
            using HttpResponseMessage quick = await peer.SendAsync("/quick", cancellationToken: TestToken);
            Assert.Equal(10, (await quick.Content.ReadAsByteArrayAsync(TestToken)).Length);
        }

        Assert.False(done.Task.IsCompleted);
        Assert.Equal(50_000_000, (await slow.Content.ReadAsByteArrayAsync(TestToken)).Length);
        await done.Task.WaitAsync(TestToken);
    }

    [Fact]
    public async Task UnreadUploadsOfOneStreamDoNotStopAnother()
    {
        TaskCompletionSource release = new();
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(async (stream, cancellationToken) =>
        {
            if (stream.Path == "/stalled")
            {
                await release.Task;
            }

            await EchoAsync(stream, cancellationToken);
        });
        Task<HttpResponseMessage> stalled = peer.SendAsync("/stalled", new ByteArrayContent(new byte[5_000_000]), TestToken);
        using HttpResponseMessage quick = await peer.SendAsync("/quick", new ByteArrayContent(new byte[3_000_000]), TestToken);
        Assert.Equal(3_000_000, (await quick.Content.ReadAsByteArrayAsync(TestToken)).Length);
        release.SetResult();
        using HttpResponseMessage response = await stalled;
        Assert.Equal(5_000_000, (await response.Content.ReadAsByteArrayAsync(TestToken)).Length);
    }

    [Fact]
    public async Task AHandlerIsToldWhenItsPeerGivesUp()
    {
        TaskCompletionSource started = new();
        TaskCompletionSource<Exception> outcome = new();
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(async (stream, cancellationToken) =>
        {
            started.SetResult();
            try
            {
                await stream.ReadAsync(new byte[10], CancellationToken.None);
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            catch (Exception error)
            {
                outcome.SetResult(error);
                throw;
            }
        });
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(TestToken);
        Task<HttpResponseMessage> sending = peer.SendAsync("/", null, cancel.Token);
        await started.Task.WaitAsync(TestToken);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Exception seen = await outcome.Task.WaitAsync(TestToken);
        Assert.True(seen is OperationCanceledException or Http2Exception { ErrorCode: Http2ErrorCode.Cancel }, seen.ToString());
    }

    [Fact]
    public async Task AHandlerThatFailsResetsItsStreamAndNoOther()
    {
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync((stream, cancellationToken) =>
            stream.Path == "/bad" ? throw new InvalidOperationException("secret") : EchoAsync(stream, cancellationToken));
        HttpRequestException error = await Assert.ThrowsAsync<HttpRequestException>(() => peer.SendAsync("/bad", cancellationToken: TestToken));
        Assert.Contains("INTERNAL_ERROR", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        using HttpResponseMessage response = await peer.SendAsync("/good", new ByteArrayContent([1]), TestToken);
        Assert.Equal([1], await response.Content.ReadAsByteArrayAsync(TestToken));
    }

    [Fact]
    public async Task AnAnswerBeforeTheRequestsEndStopsTheUpload()
    {
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(async (stream, _) => await stream.WriteHeadersAsync(Ok, endStream: true));
        using HttpResponseMessage response = await peer.SendAsync("/", new ByteArrayContent(new byte[50_000_000]), TestToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task CancellationSendsGoAwayAndEndsHandlers()
    {
        TaskCompletionSource handlerEnded = new();
        TaskCompletionSource started = new();
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(async (_, cancellationToken) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                handlerEnded.SetResult();
            }
        });
        Task<HttpResponseMessage> sending = peer.SendAsync("/", cancellationToken: TestToken);
        await started.Task.WaitAsync(TestToken);
        peer.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => peer.Serving);
        Assert.True(handlerEnded.Task.IsCompleted);
        await Assert.ThrowsAsync<HttpRequestException>(() => sending);
    }

    [Fact]
    public async Task ServingEndsWhenThePeerCloses()
    {
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(EchoAsync);
        using (await peer.SendAsync("/", new ByteArrayContent([1]), TestToken))
        {
        }

        peer.Client.Dispose();
        await peer.Serving.WaitAsync(TestToken);
    }

    [Fact]
    public async Task MoreRequestsThanPlacesWait()
    {
        int now = 0;
        int most = 0;
        await using HttpClientPeer peer = await HttpClientPeer.StartAsync(
            async (stream, cancellationToken) =>
            {
                int count = Interlocked.Increment(ref now);
                most = Math.Max(most, count);
                await EchoAsync(stream, cancellationToken);
                Interlocked.Decrement(ref now);
            },
            new Http2Options { MaxConcurrentStreams = 3 });
        using (await peer.SendAsync("/first", new ByteArrayContent([1]), TestToken))
        {
            // The client knows the limit only now.
        }

        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            using HttpResponseMessage response = await peer.SendAsync("/" + i, new ByteArrayContent([1, 2, 3]), TestToken);
            Assert.Equal(3, (await response.Content.ReadAsByteArrayAsync(TestToken)).Length);
        }));
        Assert.InRange(most, 1, 3);
    }

    // Reads all first: .NET's client does not look at the answer before it has sent all of such content.
    private static async Task EchoAsync(Http2ServerStream stream, CancellationToken cancellationToken)
    {
        byte[] content = await ReadAllAsync(stream, cancellationToken);
        await stream.WriteHeadersAsync(Ok);
        await stream.WriteAsync(content, cancellationToken);
        await stream.CompleteAsync();
    }

    private static async Task<byte[]> ReadAllAsync(Http2ServerStream stream, CancellationToken cancellationToken)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[100_000];
        int count;
        while ((count = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }
}
