using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>Contents whose transfer is interrupted more than once, or at an unusual place.</summary>
public sealed class RegistryResumeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0-99", 100)]
    [InlineData("0-0", 0)]
    [InlineData("", 0)]
    [InlineData("bytes", 0)]
    [InlineData("0--5", 0)]
    [InlineData("0-9223372036854775807", 0)]
    [InlineData("0-9223372036854775808", 0)]
    public void TheBytesThatARegistryHas_AreNeverNegative(string range, long received)
    {
        using HttpResponseMessage answer = new();
        answer.Headers.TryAddWithoutValidation("Range", range);
        Assert.Equal(received, BlobUpload.ReceivedOf(answer));
    }

    [Theory]
    [InlineData("//[/:")]
    [InlineData("//host:port/")]
    public async Task ALocationThatIsNone_IsRefused(string location)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context =>
        {
            bool isUpload = context.Request.Method == "POST";
            context.Response.StatusCode = isUpload ? 202 : 200;
            context.Response.Headers.Location = location;
            return Task.FromResult(isUpload);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.SendAsync(new(image.Target, image), [ImageReference.Parse($"{registry.Host}/a:1")], [], null, null, Cancellation));
        Assert.Equal(RegistryFailure.Invalid, refused.Failure);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task AResumedAnswer_MayBeCutBeforeTheNewBytes(int cuts)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        int asked = 0;
        registry.Fault = async context =>
        {
            if (!IsLarge(context, image) || asked++ > cuts)
            {
                return false;
            }

            // This registry knows no ranges, and the second answer ends in the bytes that came before.
            byte[] all = image[image.Large.Digest];
            context.Response.ContentLength = all.Length;
            await context.Response.Body.WriteAsync(all.AsMemory(0, asked == 1 ? 200_000 : 50_000));
            await context.Response.Body.FlushAsync();

            // An abort resets the connection, and the reader loses what it has not read.
            await Task.Delay(50, Cancellation);
            context.Abort();
            return true;
        };
        registry.KnowsRanges = false;
        using RegistryClient client = new(FaultyRegistry.Quick());
        if (cuts == 1)
        {
            Assert.Equal(image[image.Large.Digest], await ReadAsync(client, registry, image));
            Assert.Equal(3, asked);
            return;
        }

        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => ReadAsync(client, registry, image));
        Assert.Equal(RegistryFailure.Unreachable, error.Failure);
        Assert.InRange(asked, 2, 10);
    }

    [Fact]
    public async Task AnAnswerThatIsCutAfterItsLastByte_IsWhole()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        int asked = 0;
        TaskCompletionSource isRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        registry.Fault = async context =>
        {
            if (!IsLarge(context, image))
            {
                return false;
            }

            // Without a length the end of the answer is a chunk of its own.
            asked++;
            await context.Response.Body.WriteAsync(image[image.Large.Digest]);
            await context.Response.Body.FlushAsync();
            await isRead.Task.WaitAsync(context.RequestAborted);
            context.Abort();
            return true;
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        await using Stream stream = await client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).OpenBlobAsync(image.Large, Cancellation);
        byte[] bytes = new byte[image.Large.Size];
        await stream.ReadExactlyAsync(bytes, Cancellation);
        isRead.SetResult();
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Cancellation));
        Assert.Equal(image[image.Large.Digest], bytes);
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task ARegistryThatForgetsWhatItTook_IsGivenUp()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        int asked = 0;
        registry.Fault = context =>
        {
            bool isUpload = context.Request.Path.Value!.Contains("/uploads/", StringComparison.Ordinal);
            if (isUpload && context.Request.Method == "GET")
            {
                // Each time the upload begins anew.
                asked++;
                context.Response.StatusCode = 404;
                return Task.FromResult(true);
            }

            if (!isUpload || context.Request.Method != "PATCH" || !context.Request.Headers.ContentRange.ToString().StartsWith("200000-", StringComparison.Ordinal))
            {
                return Task.FromResult(false);
            }

            context.Response.StatusCode = 500;
            return Task.FromResult(true);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        List<long> reports = [];
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => SendAsync(client, registry, reports));
        Assert.Equal(RegistryFailure.Unreachable, error.Failure);
        Assert.InRange(asked, 1, 5);
        Assert.Equal([100_000, 100_000], reports);
    }

    [Theory]
    [InlineData("POST", 350_000)]
    [InlineData("PATCH", 350_000)]
    [InlineData("PUT", 350_000)]
    [InlineData("PUT", 500)]
    public async Task ARequestToWaitForLong_IsRefused(string method, int size)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context =>
        {
            if (context.Request.Method != method)
            {
                return Task.FromResult(false);
            }

            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "2147483647";
            return Task.FromResult(true);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => SendAsync(client, registry, [], size));
        Assert.Equal(RegistryFailure.TooManyRequests, error.Failure);
        Assert.Equal(1, registry.Count(method + " "));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task ATokenThatEndsDuringAnUpload_IsRenewed(int refusals)
    {
        await using FaultyRegistry tokens = await FaultyRegistry.StartAsync();
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        int made = 0;
        tokens.Fault = async context =>
        {
            await context.Response.WriteAsync($$"""{"access_token":"made-{{++made}}","expires_in":300}""");
            return true;
        };
        int refused = 0;
        registry.Fault = context =>
        {
            bool isSecond = context.Request.Method == "PATCH" && context.Request.Headers.ContentRange.ToString().StartsWith("100000-", StringComparison.Ordinal);
            if (context.Request.Headers.Authorization.Count > 0 && !(isSecond && refused < refusals))
            {
                return Task.FromResult(false);
            }

            refused += isSecond ? 1 : 0;
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"http://{tokens.Host}/token\",service=\"s\"";
            return Task.FromResult(true);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        if (refusals == 1)
        {
            Assert.Equal(UploadOutcome.Sent, await SendAsync(client, registry, []));
            Assert.Equal(image[image.Large.Digest], registry.Blobs[("a", image.Large.Digest.ToString())]);
            Assert.Equal(2, made);
            return;
        }

        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => SendAsync(client, registry, []));
        Assert.Equal(RegistryFailure.Unauthorized, error.Failure);
        Assert.Equal(2, refused);
    }

    private static bool IsLarge(HttpContext context, MadeImage image) => context.Request.Path.Value!.EndsWith(image.Large.Digest.ToString(), StringComparison.Ordinal);

    private static async Task<byte[]> ReadAsync(RegistryClient client, FaultyRegistry registry, MadeImage image)
    {
        Stream stream = await client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).OpenBlobAsync(image.Large, Cancellation);
        return await BlobReading.ReadAllAsync(stream, image.Large, 1 << 20, "test", Cancellation);
    }

    private static Task<UploadOutcome> SendAsync(RegistryClient client, FaultyRegistry registry, List<long> reports, int size = 350_000)
    {
        MadeImage image = new(size);
        BlobUpload upload = client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).Upload();
        return upload.SendAsync(image.Large, null, stop => image.OpenAsync(image.Large.Digest, stop), new Reports(reports), Cancellation);
    }

    private sealed class Reports(List<long> all) : IProgress<long>
    {
        public void Report(long value) => all.Add(value);
    }
}
