using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>What is taken from a registry, whatever happens on the way.</summary>
public sealed class RegistryPullTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnImage_ComesWhole_AndAsksForNothingTwice()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        image.PutInto(registry, "a/b", "1");
        (IBlobSource source, ImageTree tree) = await OpenAsync(client, registry, "a/b:1");
        Assert.Equal(image.Count, tree.Nodes.Count);
        Assert.Empty(tree.Missing);
        foreach (ImageTreeNode node in tree.Nodes)
        {
            Assert.Equal(image[node.Descriptor.Digest], await ReadAsync(source, node.Descriptor));
        }

        Assert.Equal(registry.Requests.Count, registry.Requests.Select(static r => r.Line).Distinct().Count());
        Assert.Equal(0, registry.Count("HEAD "));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AContentThatIsCut_IsTakenUpAgain(bool knowsRanges)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.KnowsRanges = knowsRanges;
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        int cuts = 0;
        registry.Fault = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(image.Large.Digest.ToString(), StringComparison.Ordinal) || cuts++ >= 2)
            {
                return false;
            }

            int from = context.Request.Headers.Range.ToString() is { Length: > 0 } range && knowsRanges ? int.Parse(range["bytes=".Length..].TrimEnd('-'), null) : 0;
            byte[] all = image[image.Large.Digest];
            context.Response.ContentLength = all.Length - from;
            if (from > 0)
            {
                context.Response.StatusCode = 206;
                context.Response.Headers.ContentRange = $"bytes {from}-{all.Length - 1}/{all.Length}";
            }

            // The second goes further than the first, also without ranges.
            await context.Response.Body.WriteAsync(all.AsMemory(from, (knowsRanges ? 100_000 : 100_000 * cuts)));
            await context.Response.Body.FlushAsync();

            // An abort resets the connection, and the reader loses what it has not read.
            await Task.Delay(50, Cancellation);
            context.Abort();
            return true;
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        (IBlobSource source, _) = await OpenAsync(client, registry, "a:1");
        Assert.Equal(image[image.Large.Digest], await ReadAsync(source, image.Large));
        Assert.Equal(3, cuts);
    }

    [Fact]
    public async Task AContentThatStalls_IsTakenUpAgain()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        bool stalled = false;
        registry.Fault = async context =>
        {
            if (stalled || !context.Request.Path.Value!.EndsWith(image.Large.Digest.ToString(), StringComparison.Ordinal))
            {
                return false;
            }

            stalled = true;
            context.Response.ContentLength = image.Large.Size;
            await context.Response.Body.WriteAsync(image[image.Large.Digest].AsMemory(0, 10));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
            return true;
        };
        using RegistryClient client = new(FaultyRegistry.Quick() with { StallTimeout = TimeSpan.FromMilliseconds(300) });
        (IBlobSource source, _) = await OpenAsync(client, registry, "a:1");
        Assert.Equal(image[image.Large.Digest], await ReadAsync(source, image.Large));
        Assert.True(stalled);
    }

    [Theory]
    [InlineData("another digest")]
    [InlineData("longer")]
    [InlineData("shorter")]
    public async Task WrongContents_AreRefused(string how)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        byte[] right = image[image.Large.Digest];
        byte[] wrong = how switch
        {
            "longer" => [.. right, 1],
            "shorter" => right[..^1],
            _ => [.. right[..^1], (byte)~right[^1]],
        };
        registry.Blobs[("a", image.Large.Digest.ToString())] = wrong;
        (IBlobSource source, _) = await OpenAsync(client, registry, "a:1");
        Exception? error = await Record.ExceptionAsync(() => ReadAsync(source, image.Large));
        Assert.True(error is OciFormatException or RegistryException, error?.ToString());
    }

    [Fact]
    public async Task AManifestOfAnotherDigest_IsRefused()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        registry.Manifests[("a", image.Amd.Digest.ToString())] = (OciMediaTypes.Manifest, image[image.Attestation.Digest]);
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => OpenAsync(client, registry, "a:1"));
        Assert.Equal(RegistryFailure.Invalid, error.Failure);
        Assert.Contains("another digest", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AHugeManifest_IsNotRead(bool saysLength)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        registry.Fault = async context =>
        {
            if (!context.Request.Path.Value!.Contains("/manifests/", StringComparison.Ordinal))
            {
                return false;
            }

            context.Response.ContentType = OciMediaTypes.Manifest;
            context.Response.ContentLength = saysLength ? 1L << 40 : null;
            byte[] spaces = new byte[1 << 20];
            for (int i = 0; i < 100 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.Body.WriteAsync(spaces, context.RequestAborted);
            }

            context.Abort();
            return true;
        };
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).GetManifestAsync("1", Cancellation));
        Assert.Equal(RegistryFailure.Invalid, error.Failure);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/vnd.docker.distribution.manifest.v1+prettyjws")]
    [InlineData("")]
    public async Task WhatIsNoManifest_IsRefused(string type)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        registry.Manifests[("a", "1")] = (type, "{}"u8.ToArray());
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).GetManifestAsync("1", Cancellation));
        Assert.Equal(RegistryFailure.Invalid, error.Failure);
    }

    [Fact]
    public async Task APlatformThatTheRegistryLacks_IsMissing()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        registry.Manifests.Remove(("a", image.Attestation.Digest.ToString()), out _);
        (_, ImageTree tree) = await OpenAsync(client, registry, "a:1");
        Assert.Equal(image.Attestation.Digest, Assert.Single(tree.Missing).Digest);
        Assert.True(tree.HasCompleteManifest);
    }

    [Fact]
    public async Task TagsAndReferrers_ArePaged()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        foreach (string tag in (string[])["a", "b", "c", "d", "e"])
        {
            image.PutInto(registry, "app", tag);
        }

        RegistryRepository repository = client.Repository(ImageReference.Parse($"{registry.Host}/app"));
        List<string> tags = [];
        await foreach (string tag in repository.ListTagsAsync(Cancellation))
        {
            tags.Add(tag);
        }

        Assert.Equal(["a", "b", "c", "d", "e"], tags);
        Assert.Equal(3, registry.Count("GET /v2/app/tags/list"));

        byte[] referrer = System.Text.Encoding.UTF8.GetBytes($$"""{"subject":{"digest":"{{image.Amd.Digest}}"} }""");
        registry.Manifests[("app", FaultyRegistry.DigestOf(referrer))] = (OciMediaTypes.Manifest, referrer);
        Assert.Equal(FaultyRegistry.DigestOf(referrer), Assert.Single(await repository.ListReferrersAsync(image.Amd.Digest, Cancellation)).Digest.ToString());
        registry.KnowsReferrers = false;
        Assert.Empty(await repository.ListReferrersAsync(image.Amd.Digest, Cancellation));
        registry.Manifests[("app", image.Amd.Digest.ToString().Replace(':', '-'))] = (OciMediaTypes.Index, image[image.Target.Digest]);
        Assert.Equal(3, (await repository.ListReferrersAsync(image.Amd.Digest, Cancellation)).Count);
    }

    [Theory]
    [InlineData("""{"tags":["good","../../x"]}""", null)]
    [InlineData("""{"tags":["a"]}""", "<http://elsewhere.test/v2/app/tags/list>; rel=\"next\"")]
    public async Task ListsThatLead_Elsewhere_AreRefused(string body, string? link)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        registry.Fault = async context =>
        {
            if (!context.Request.Path.Value!.Contains("/tags/", StringComparison.Ordinal))
            {
                return false;
            }

            context.Response.Headers.Link = link;
            await context.Response.WriteAsync(body);
            return true;
        };
        await Assert.ThrowsAsync<RegistryException>(async () =>
        {
            await foreach (string _ in client.Repository(ImageReference.Parse($"{registry.Host}/app")).ListTagsAsync(Cancellation))
            {
            }
        });
    }

    [Theory]
    [InlineData("</v2/a/tags/list?last=x&n=2>; rel=\"next\"", "/v2/a/tags/list?last=x&n=2")]
    [InlineData("<a>; rel=prev, <b>; rel=next", "b")]
    [InlineData("<a>; rel=prev", null)]
    [InlineData("", null)]
    [InlineData(">rel=next<", null)]
    public void LinksAreRead(string link, string? next) => Assert.Equal(next, RegistryLists.NextOf([link]));

    [Theory]
    [InlineData("https://r.test/v2/a", "/v2/b", "https://r.test/v2/b")]
    [InlineData("https://r.test/v2/a", "https://R.test:443/v2/b", "https://r.test/v2/b")]
    [InlineData("https://r.test:5000/v2/a", "http://r.test/v2/b", "https://r.test:5000/v2/b")]
    [InlineData("http://r.test:5000/v2/a", "http://r.test:5000/v2/b", "http://r.test:5000/v2/b")]
    [InlineData("http://r.test:5000/v2/a", "https://r.test:5000/v2/b", null)]
    [InlineData("https://r.test/v2/a", "https://r.test:5000/v2/b", null)]
    [InlineData("https://r.test/v2/a", "http://other.test/v2/b", null)]
    [InlineData("https://r.test/v2/a", "https://user@r.test/v2/b", null)]
    [InlineData("https://r.test/v2/a", "ftp://r.test/v2/b", null)]
    [InlineData("https://r.test/v2/a", "https://[", null)]
    public void TheNextPage_IsOnTheSameServer(string from, string next, string? following) => Assert.Equal(following, RegistryLists.Following(new Uri(from), next)?.ToString());

    [Fact]
    public async Task ASpool_ReadsEachContentOnce()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        (IBlobSource source, _) = await OpenAsync(client, registry, "a:1");
        using SpoolingSource spool = new(source);
        Assert.Equal(image[image.Large.Digest], await ReadAsync(spool, image.Large));
        Assert.Equal(image[image.Large.Digest], await ReadAsync(spool, image.Large));
        Assert.Equal(1, registry.Count($"GET /v2/a/blobs/{image.Large.Digest}"));
        registry.Blobs[("a", image.Small.Digest.ToString())] = "wrong"u8.ToArray();
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(spool, image.Small));
    }

    private static async Task<(IBlobSource Source, ImageTree Tree)> OpenAsync(RegistryClient client, FaultyRegistry registry, string name)
    {
        ImageReference reference = ImageReference.Parse($"{registry.Host}/{name}");
        RegistryRepository repository = client.Repository(reference);
        RegistryManifest root = await repository.GetManifestAsync(reference.Tag!, Cancellation);
        RegistryBlobSource source = new(repository, root);
        return (source, await ImageTree.ReadAsync(source, root.Descriptor, [], Cancellation));
    }

    private static async Task<byte[]> ReadAsync(IBlobSource source, OciDescriptor descriptor) =>
        await BlobReading.ReadAllAsync(await source.OpenAsync(descriptor.Digest, Cancellation), descriptor, 1 << 20, "test", Cancellation);
}
