using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Tests.Images.Registries;
using OpenCloud.Build.Client.Vulnerabilities;
using OpenCloud.Build.Client.Vulnerabilities.Scanners;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Vulnerabilities;

/// <summary>The platforms of an image: which have an SBOM, and what an engine gets of one.</summary>
public sealed class PlatformTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocb-platform-").FullName;
    private readonly MadeImage _image = new(1000);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task PlatformsWithoutAnSbomAreFound()
    {
        Assert.Equal([_image.Amd.Digest, _image.Arm.Digest], await MissingAsync([]));
        Assert.Equal([_image.Arm.Digest], await MissingAsync([], "linux/arm64"));
        Assert.Equal([_image.Arm.Digest], await MissingAsync([About(_image.Amd)]));
        Assert.Empty(await MissingAsync([About(_image.Amd)], "linux/amd64"));
        Assert.Empty(await MissingAsync([About(_image.Amd), About(_image.Arm)]));

        // One that does not say what it is about can be about the only platform alone.
        Assert.Equal(2, (await MissingAsync([About(null)])).Count);
        Assert.Empty(await MissingAsync([About(null)], "linux/amd64"));
    }

    [Fact]
    public async Task APlatformThatTheStoreDoesNotHaveIsNotMissing()
    {
        _image.Remove(_image.Arm.Digest);
        Assert.Empty(await MissingAsync([About(_image.Amd)]));
    }

    [Fact]
    public async Task AnEngineGetsTheFilesAlone()
    {
        PlatformImage platform = (await PlatformImage.ListAsync(new OpenedImage(_image.Target, _image), [Platform.Parse("linux/amd64")], Cancellation))[0];
        ContentDigest digest = await platform.WriteFilesAsync(_folder, Cancellation);
        JsonNode manifest = ReadBlob(digest.ToString());
        Assert.Equal([_image.Large.Digest.ToString(), _image.Small.Digest.ToString()], manifest["layers"]!.AsArray().Select(static l => (string)l!["digest"]!));
        JsonObject config = ReadBlob((string)manifest["config"]!["digest"]!).AsObject();
        Assert.Equal(["architecture", "os", "rootfs"], config.Select(static p => p.Key).Order());
        Assert.Equal(2, config["rootfs"]!["diff_ids"]!.AsArray().Count);
        using JsonDocument index = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_folder, "index.json"), Cancellation));
        Assert.Equal(digest.ToString(), index.RootElement.GetProperty("manifests")[0].GetProperty("digest").GetString());
    }

    private static ContainerImageAttestation About(OciDescriptor? manifest) =>
        new() { Image = "image", Digest = "sha256:0", Kind = AttestationKind.Sbom, Subject = manifest?.Digest.ToString() };

    private async Task<IReadOnlyList<ContentDigest>> MissingAsync(ContainerImageAttestation[] bills, params string[] platforms) =>
        [.. (await SbomCoverage.FindMissingAsync(new OpenedImage(_image.Target, _image), bills, [.. platforms.Select(Platform.Parse)], Cancellation)).Select(static m => m.Digest)];

    private JsonNode ReadBlob(string digest) => JsonNode.Parse(File.ReadAllBytes(Path.Combine(_folder, "blobs", digest.Replace(':', '/'))))!;
}
