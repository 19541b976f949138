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

        // As in the stores of engines: another platform is complete.
        Assert.True(partial.IsComplete);
        Assert.Empty(partial.Missing);
        Assert.Equal([false, true], partial.Platforms.Select(static p => p.IsPresent));
        registry.Manifests.Remove(("a/b", partial.Platforms[1].Digest!), out _);
        registry.Manifests.Remove(("a/b", made.Attestation.Digest.ToString()), out _);
        ContainerImage empty = Assert.Single(await DescribeAsync(client, $"{registry.Host}/a/b:1"));
        Assert.Equal((false, 1, 3), (empty.IsComplete, empty.Attestations, empty.Missing.Count));
    }

    [Fact]
    public async Task ASparseIndex_IsJoinedByWhatItHas()
    {
        MadeImage made = new();
        made.Remove(made.Arm.Digest);
        JoinedIndex index = await JoinedIndex.CreateAsync([new OpenedImage(made.Target, made)], Cancellation);
        Assert.Equal(["linux/amd64"], index.Platforms.Select(static p => p.ToString()));
        Assert.Equal(["linux/arm64"], index.MissingPlatforms.Select(static p => p.ToString()));
        Assert.Equal([made.Amd.Digest, made.Attestation.Digest], (await DocumentAsync(index)).Manifests.Select(static m => m.Digest));

        // What another image has is not missing.
        MadeImage other = new();
        Assert.Empty((await JoinedIndex.CreateAsync([new OpenedImage(made.Target, made), new OpenedImage(other.Arm, other)], Cancellation)).MissingPlatforms);

        // A statement about a manifest that is not there is left out.
        MadeImage half = new();
        half.Remove(half.Amd.Digest);
        Assert.Equal([half.Arm.Digest], (await DocumentAsync(await JoinedIndex.CreateAsync([new OpenedImage(half.Target, half)], Cancellation))).Manifests.Select(static m => m.Digest));
    }

    [Fact]
    public async Task ImagesForSeveralVersionsOfWindows_AreJoined()
    {
        MadeImage made = new();
        OciDescriptor[] images = [made.AddWindows("10.0.17763.1"), made.AddWindows("10.0.20348.1"), made.AddWindows("10.0.20348.2")];
        JoinedIndex index = await JoinedIndex.CreateAsync([.. images.Take(2).Select(i => new OpenedImage(i, made))], Cancellation);
        OciManifest read = await DocumentAsync(index);
        Assert.Equal(["10.0.17763.1", "10.0.20348.1"], read.Manifests.Select(static m => m.OperatingSystemVersion));
        Assert.All(read.Manifests, static m => Assert.Equal(["win32k"], m.OperatingSystemFeatures));

        // Again, now from an index.
        JoinedIndex larger = await JoinedIndex.CreateAsync([index.Open(), new OpenedImage(images[2], made)], Cancellation);
        Assert.Equal(["10.0.17763.1", "10.0.20348.1", "10.0.20348.2"], (await DocumentAsync(larger)).Manifests.Select(static m => m.OperatingSystemVersion));
        OciDescriptor same = made.AddWindows("10.0.17763.1", seed: 2);
        OciFormatException refused = await Assert.ThrowsAsync<OciFormatException>(() => JoinedIndex.CreateAsync([index.Open(), new OpenedImage(same, made)], Cancellation));
        Assert.Contains("windows/amd64 (10.0.17763.1)", refused.Message, StringComparison.Ordinal);
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

    private static async Task<OciManifest> DocumentAsync(JoinedIndex index)
    {
        using StreamReader reader = new(await ((IBlobSource)index).OpenAsync(index.Target.Digest, Cancellation));
        return OciManifest.Parse(System.Text.Encoding.UTF8.GetBytes(await reader.ReadToEndAsync(Cancellation)), OciMediaTypes.Index, "index");
    }

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
