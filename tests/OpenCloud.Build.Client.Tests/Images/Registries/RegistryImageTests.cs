using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>Images of a registry as objects: descriptions, attestations, signatures, joined indexes.</summary>
public sealed class RegistryImageTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnImage_IsDescribedWithoutItsLayers()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage made = new();
        made.PutInto(registry, "a/b", "1");
        ContainerImage image = Assert.Single(await DescribeAsync(client, $"{registry.Host}/a/b:1", $"{registry.Host}/a/b:none"));
        Assert.Equal(["linux/amd64", "linux/arm64"], image.Platforms.Select(static p => p.Platform));
        Assert.Equal((1, "b", true), (image.Attestations, image.Labels["a"], image.IsComplete));
        Assert.True(image.ContentSize > made.Large.Size && image.ContentSize < 2 * made.Large.Size);
        Assert.Equal(0, registry.Count($"GET /v2/a/b/blobs/{made.Large.Digest}"));
        registry.Manifests.Remove(("a/b", made.Amd.Digest.ToString()), out _);
        ContainerImage partial = Assert.Single(await DescribeAsync(client, $"{registry.Host}/a/b:1"));
        Assert.False(partial.IsComplete);
        Assert.Equal([made.Amd.Digest.ToString()], partial.Missing);
        Assert.False(partial.Platforms[0].IsPresent);
    }

    [Fact]
    public async Task AnImageOfAnotherPlatform_IsRefused()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage made = new();
        made.PutInto(registry, "a", "1");
        registry.Manifests[("a", "1")] = (OciMediaTypes.Manifest, made[made.Amd.Digest]);
        Platform[] amd = [Platform.Parse("linux/amd64")];
        Platform[] arm = [Platform.Parse("linux/arm64")];
        RegistryImage image = await client.OpenAsync(ImageReference.Parse($"{registry.Host}/a:1"), [], null, Cancellation);
        await image.CheckPlatformAsync([], Cancellation);
        await image.CheckPlatformAsync(amd, Cancellation);
        await Assert.ThrowsAsync<OciFormatException>(() => image.CheckPlatformAsync(arm, Cancellation));
        using OpenedImage plain = new(made.Amd, made);
        await client.SendAsync(plain, [ImageReference.Parse($"{registry.Host}/b:1")], amd, null, null, Cancellation);
        await Assert.ThrowsAsync<OciFormatException>(() => client.SendAsync(plain, [ImageReference.Parse($"{registry.Host}/b:2")], arm, null, null, Cancellation));
        Assert.False(registry.Manifests.ContainsKey(("b", "2")));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(1500, 1000)]
    public async Task AnIndexThatListsMany_IsReadWithinBounds(int different, int requests)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        IEnumerable<string> manifests = Enumerable.Range(0, 5000).Select(i => $$"""{"mediaType":"{{OciMediaTypes.Manifest}}","digest":"sha256:{{i % different:x64}}","size":2}""");
        byte[] index = System.Text.Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{OciMediaTypes.Index}}","manifests":[{{string.Join(',', manifests)}}]}""");
        registry.Manifests[("a", "1")] = (OciMediaTypes.Index, index);
        ContainerImage image = Assert.Single(await DescribeAsync(client, $"{registry.Host}/a:1"));
        Assert.Equal(different > 1000, image.Problem is not null);
        Assert.Equal(requests, registry.Count("GET /v2/a/manifests/"));
    }

    [Fact]
    public async Task Statements_AreReadByKind()
    {
        MadeImage made = new();
        using OpenedImage image = new(made.Target, made);
        Assert.Single(await AttestationReader.ReadAsync(image, "a", [], [], Cancellation));
        Assert.Single(await AttestationReader.ReadAsync(image, "a", [], [AttestationKind.Provenance], Cancellation));
        Assert.Empty(await AttestationReader.ReadAsync(image, "a", [], [AttestationKind.Sbom], Cancellation));
    }

    [Fact]
    public async Task Signatures_AreFoundByReferrersAndTags()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage made = new();
        made.PutInto(registry, "a", "1");
        RegistryImage image = await client.OpenAsync(ImageReference.Parse($"{registry.Host}/a:1"), [], null, Cancellation);
        Assert.Empty(await client.ListSignaturesAsync(image, Cancellation));
        registry.Manifests[("a", made.Amd.Digest.ToString().Replace(':', '-') + ".sig")] = (OciMediaTypes.Manifest, made[made.Attestation.Digest]);
        ContainerImageAttestation signature = Assert.Single(await client.ListSignaturesAsync(image, Cancellation));
        Assert.Equal((AttestationKind.Signature, "linux/amd64"), (signature.Kind, signature.Platform));
        Assert.Equal(made.Amd.Digest.ToString(), signature.Subject);
    }

    [Fact]
    public async Task ImagesAreJoined_OnlyOnceForEachPlatform()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(FaultyRegistry.Quick());
        MadeImage made = new();
        OpenedImage index = new(made.Target, made);
        OpenedImage manifest = new(made.Amd, made);
        JoinedIndex one = await JoinedIndex.CreateAsync([manifest, index], Cancellation);
        Assert.Equal(["linux/amd64", "linux/arm64"], one.Platforms.Select(static p => p.ToString()));
        ImagePushResult sent = await client.SendAsync(one.Open(), [ImageReference.Parse($"{registry.Host}/j:1")], [], null, null, Cancellation);
        OciManifest read = OciManifest.Parse(registry.Manifests[("j", "1")].Bytes, OciMediaTypes.Index, "index");
        Assert.Equal(3, read.Manifests.Count);
        Assert.Equal("unknown/unknown", read.Manifests.Single(static m => m.IsAttestation).Platform?.ToString());
        Assert.Equal(one.Target.Digest, sent.Target.Digest);
        MadeImage other = new(seed: 2);
        await Assert.ThrowsAsync<OciFormatException>(() => JoinedIndex.CreateAsync([index, new OpenedImage(other.Amd, other)], Cancellation));
    }

    [Theory]
    [InlineData("""{"predicateType":"https://slsa.dev/provenance/v0.2","predicate":{"builder":{"id":"b"},"buildType":"t","metadata":{"buildStartedOn":"2026-01-02T03:04:05Z"},"materials":[{"uri":"m"},{},1]} }""", AttestationKind.Provenance, "SLSA 0.2", "b t m")]
    [InlineData("""{"predicateType":"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{"buildType":"t","resolvedDependencies":[{"uri":"m"}]},"runDetails":{"builder":{"id":"b"},"metadata":{"startedOn":"2026-01-02T03:04:05Z"} } } }""", AttestationKind.Provenance, "SLSA 1", "b t m")]
    [InlineData("""{"predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3","packages":[{"name":"p","versionInfo":"1"},{"name":"q"}]} }""", AttestationKind.Sbom, "SPDX-2.3", "p 1 q")]
    [InlineData("""{"predicateType":"https://cyclonedx.org/bom","predicate":{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"name":"p","version":"1"}]} }""", AttestationKind.Sbom, "CycloneDX 1.5", "p 1")]
    [InlineData("""{"predicateType":"https://made.test/x","predicate":[]}""", AttestationKind.Other, "", "")]
    [InlineData("""{"predicateType":"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":1,"runDetails":[]} }""", AttestationKind.Provenance, "SLSA 1", "")]
    [InlineData("{}", AttestationKind.Other, "", "")]
    public void StatementsAreRead(string json, AttestationKind kind, string format, string words)
    {
        ContainerImageAttestation read = StatementReader.Read(System.Text.Encoding.UTF8.GetBytes(json), new ContainerImageAttestation { Image = "x", Digest = "d" }, "test");
        Assert.Equal((kind, format), (read.Kind, read.Format));
        Assert.Equal(words, string.Join(' ', new[] { read.Builder, read.BuildType }.Concat(read.Materials).Concat(read.Packages).Where(static w => w.Length > 0)));
        Assert.Equal(words.Contains(" m", StringComparison.Ordinal), read.Started is not null);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("")]
    public void WhatIsNoStatement_IsRefused(string json) =>
        Assert.Throws<OciFormatException>(() => StatementReader.Read(System.Text.Encoding.UTF8.GetBytes(json), new ContainerImageAttestation { Image = "x", Digest = "d" }, "test"));

    private static async Task<List<ContainerImage>> DescribeAsync(RegistryClient client, params string[] references)
    {
        List<ContainerImage> images = [];
        await foreach (ContainerImage image in client.DescribeAsync([.. references.Select(ImageReference.Parse)], new ImageQuery(), Cancellation))
        {
            images.Add(image);
        }

        return images;
    }
}
