using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>What is sent to a registry, whatever happens on the way.</summary>
public sealed class RegistryPushTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnImage_IsThere_WithAllPlatformsAndAttestations()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        ImagePushResult result = await PushAsync(client, registry, image, "team/app:1", "team/app:2");
        Assert.Equal(image.Target.Digest, result.Target.Digest);
        Assert.Equal(["linux/amd64", "linux/arm64"], result.Platforms.Select(static p => p.ToString()));
        Assert.Equal(image.Count, registry.Blobs.Count + registry.Manifests.Keys.Count(static k => k.Reference.StartsWith("sha256:", StringComparison.Ordinal)));
        Assert.Equal(registry.Manifests[("team/app", "1")].Bytes, registry.Manifests[("team/app", "2")].Bytes);
        Assert.Equal(0, registry.UploadsOpen);

        // 350,000 bytes in chunks of 100,000.
        Assert.Equal(4, registry.Count("PATCH "));
    }

    [Fact]
    public async Task WhatIsThere_IsNotSentAgain()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        await PushAsync(client, registry, image, "team/app:1");
        registry.Requests.Clear();
        ImagePushResult again = await PushAsync(client, registry, image, "team/app:1");
        Assert.Equal((0, 0L), (again.Sent, again.BytesSent));
        Assert.Equal(image.Count, again.Present);
        Assert.DoesNotContain(registry.Requests, static r => r.Line[0] == 'P');
    }

    [Fact]
    public async Task AnIndexWhoseManifestsAreGone_IsSentAgain()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        await PushAsync(client, registry, image, "team/app:1");
        registry.Manifests.Remove(("team/app", image.Arm.Digest.ToString()), out _);
        ImagePushResult again = await PushAsync(client, registry, image, "team/app:1");
        Assert.True(registry.Manifests.ContainsKey(("team/app", image.Arm.Digest.ToString())));
        Assert.Equal(1, again.Sent);
    }

    [Fact]
    public async Task OfSomePlatforms_AnIndexOfThoseIsMade()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        ImagePushResult result = await new ImagePush(client.Repository(ImageReference.Parse($"{registry.Host}/a:1")), image, null)
            .RunAsync(image.Target, "a", [Platform.Parse("linux/amd64")], ["1"], Cancellation);
        Assert.NotEqual(image.Target.Digest, result.Target.Digest);
        OciManifest index = OciManifest.Parse(registry.Manifests[("a", "1")].Bytes, OciMediaTypes.Index, "index");
        Assert.Equal([image.Amd.Digest, image.Attestation.Digest], index.Manifests.Select(static m => m.Digest));
        Assert.True(index.Manifests[1].IsAttestation);
        await Assert.ThrowsAsync<OciFormatException>(() => new ImagePush(client.Repository(ImageReference.Parse($"{registry.Host}/b:1")), image, null)
            .RunAsync(image.Target, "b", [Platform.Parse("linux/s390x")], ["1"], Cancellation));
    }

    [Theory]
    [InlineData(50_000)]
    [InlineData(150_000)]
    [InlineData(5)]
    public async Task AnUploadThatIsCut_GoesOnWhereItWas(int after)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.CutUploadAfter = after;
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        await PushAsync(client, registry, image, "app:1");
        Assert.Null(registry.CutUploadAfter);
        Assert.Equal(image[image.Large.Digest], registry.Blobs[("app", image.Large.Digest.ToString())]);
        Assert.True(registry.Manifests.ContainsKey(("app", "1")));
    }

    [Fact]
    public async Task AnUploadThatTheRegistryDropped_BeginsAnew()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.CutUploadAfter = 150_000;
        bool dropped = false;
        registry.Fault = async context =>
        {
            if (context.Request.Method == "GET" && context.Request.Path.Value!.Contains("/uploads/", StringComparison.Ordinal) && !dropped)
            {
                dropped = true;
                context.Response.StatusCode = 404;
                await context.Response.CompleteAsync();
                return true;
            }

            return false;
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        await PushAsync(client, registry, image, "app:1");
        Assert.True(dropped);
        Assert.Equal(image[image.Large.Digest], registry.Blobs[("app", image.Large.Digest.ToString())]);
    }

    [Fact]
    public async Task AFinishWhoseAnswerIsLost_IsLookedFor()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        bool lost = false;
        registry.Fault = context =>
        {
            // The content is kept, and the answer cut.
            if (!lost && context.Request.Method == "PUT" && context.Request.Query["digest"].ToString() is { Length: > 0 } digest && context.Request.ContentLength == 0)
            {
                lost = true;
                registry.Blobs[("app", digest)] = [0];
                context.Abort();
                return Task.FromResult(true);
            }

            return Task.FromResult(false);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        await PushAsync(client, registry, new MadeImage(), "app:1");
        Assert.True(lost);
        Assert.True(registry.Manifests.ContainsKey(("app", "1")));
    }

    [Fact]
    public async Task AContentOfAnotherRepository_IsMounted()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage image = new();
        image.PutInto(registry, "from/here", "1");
        RegistryRepository from = client.Repository(ImageReference.Parse($"{registry.Host}/from/here:1"));
        RegistryBlobSource source = new(from, await from.GetManifestAsync("1", Cancellation));
        ImagePushResult result = await new ImagePush(client.Repository(ImageReference.Parse($"{registry.Host}/to/there:1")), source, null).RunAsync(image.Target, "x", [], ["1"], Cancellation);
        Assert.Equal(6, result.Mounted);
        Assert.Equal(0, registry.Count("PATCH "));
        Assert.Equal(0, registry.Count("GET /v2/from/here/blobs/"));
        Assert.Equal(image[image.Large.Digest], registry.Blobs[("to/there", image.Large.Digest.ToString())]);
    }

    [Fact]
    public async Task DamagedContents_AreNeverTagged()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick() with { AtOnce = 1 });
        MadeImage image = new();
        image[image.Large.Digest][300_000] ^= 1;
        await Assert.ThrowsAsync<OciFormatException>(() => PushAsync(client, registry, image, "app:1"));
        Assert.Empty(registry.Manifests);
        Assert.Equal(0, registry.UploadsOpen);
        Assert.False(registry.Blobs.ContainsKey(("app", image.Large.Digest.ToString())));
    }

    [Fact]
    public async Task AnUploadIsNotFollowedToPlacesThatAreLessSafe()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context =>
        {
            if (context.Request.Method != "POST")
            {
                return Task.FromResult(false);
            }

            context.Response.StatusCode = 202;
            context.Response.Headers.Location = "http://user:pass@127.0.0.1:1/x";
            return Task.FromResult(true);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => PushAsync(client, registry, new MadeImage(), "app:1"));
        Assert.Equal(RegistryFailure.Invalid, refused.Failure);
        Assert.DoesNotContain("pass", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatTheRegistrySaysOfAnError_IsShownWithoutControlCharacters()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = async context =>
        {
            if (context.Request.Method != "POST")
            {
                return false;
            }

            context.Response.StatusCode = 403;
            await context.Response.WriteAsync("""{"errors":[{"code":"DENIED","message":"not\u001b[31m yours"}]}""");
            return true;
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => PushAsync(client, registry, new MadeImage(), "app:1"));
        Assert.Equal(RegistryFailure.Denied, refused.Failure);
        Assert.Contains("DENIED not yours", refused.Message, StringComparison.Ordinal);
        Assert.Empty(registry.Manifests);
    }

    private static Task<ImagePushResult> PushAsync(RegistryClient client, FaultyRegistry registry, MadeImage image, params string[] names) =>
        new ImagePush(client.Repository(ImageReference.Parse($"{registry.Host}/{names[0]}")), image, null)
            .RunAsync(image.Target, names[0], [], [.. names.Select(static n => n[(n.IndexOf(':', StringComparison.Ordinal) + 1)..])], Cancellation);
}
