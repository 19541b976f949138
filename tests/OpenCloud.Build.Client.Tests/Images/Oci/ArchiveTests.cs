using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Oci;

/// <summary>Archives, well-made and hostile.</summary>
public sealed class ArchiveTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocb-oci-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task WhatIsWrittenIsRead()
    {
        byte[] layer = Encoding.ASCII.GetBytes(new string('l', 100_000));
        string path = Layout(layer, out string manifest);
        using ImageArchive archive = await ImageArchive.OpenAsync(path, Cancellation);
        ArchivedImage image = Assert.Single(archive.Images);
        Assert.Equal((manifest, "example.com/a:1"), (image.Target.Digest.ToString(), image.Names.Single()));
        ImageTree tree = await ImageTree.ReadAsync(archive, image.Target, [], Cancellation);
        Assert.True(tree.HasCompleteManifest);
        string copy = Path.Combine(_folder, "copy.tar");
        await using (FileStream file = File.Create(copy))
        {
            await ImageArchiveWriter.WriteAsync(new TarOutput(file), [new ImageToWrite(image.Target, image.Names, tree)], archive, null, Cancellation);
        }

        // System.Formats.Tar and gzip read it too.
        await using (FileStream file = File.OpenRead(copy))
        {
            await using TarReader reader = new(file);
            List<string> names = [];
            while (await reader.GetNextEntryAsync(cancellationToken: Cancellation) is { } entry)
            {
                names.Add(entry.Name);
            }

            Assert.Equal(["oci-layout", "blobs/", "blobs/sha256/"], names[..3]);
            Assert.Equal("index.json", names[^1]);
            Assert.Equal(names.Count, names.Distinct().Count());
        }

        string packed = Path.Combine(_folder, "copy.tgz");
        await using (GZipStream gzip = new(File.Create(packed), CompressionLevel.Fastest))
        {
            await gzip.WriteAsync(await File.ReadAllBytesAsync(copy, Cancellation), Cancellation);
        }

        using ImageArchive again = await ImageArchive.OpenAsync(packed, Cancellation);
        Assert.Equal(image.Target.Digest, again.Images.Single().Target.Digest);
        Assert.Equal("example.com/a:1", again.Images.Single().Names.Single());
        Assert.Empty(Directory.EnumerateFiles(Path.GetTempPath(), "opencloud-build-*.tar"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task ContentsOfAnotherLengthOrDigestAreRefused(int difference)
    {
        byte[] right = Encoding.ASCII.GetBytes(new string('r', 5000));
        OciDescriptor descriptor = new("x", ContentDigest.Of(right), right.Length);
        byte[] wrong = Encoding.ASCII.GetBytes(new string(difference == 0 ? 'w' : 'r', 5000 + difference));

        await Assert.ThrowsAsync<OciFormatException>(() => BlobReading.ReadAllAsync(new MemoryStream(wrong), descriptor, 10_000, "test", Cancellation));
        using VerifyingStream stream = new(new MemoryStream(wrong), descriptor, "test");
        await Assert.ThrowsAsync<OciFormatException>(() => stream.CopyToAsync(Stream.Null, Cancellation));
        Assert.False(stream.Verified);
    }

    [Fact]
    public async Task DocumentsBeyondTheBoundAreNotRead()
    {
        OciDescriptor huge = new(OciMediaTypes.Manifest, ContentDigest.Parse("sha256:" + new string('0', 64)), 1L << 40);
        OciFormatException error = await Assert.ThrowsAsync<OciFormatException>(() => BlobReading.ReadAllAsync(Stream.Null, huge, OciJson.MaxManifestBytes, "test", Cancellation));
        Assert.Contains("the limit", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("blobs/../../outside")]
    public async Task PathsThatLeadOutNameNothing(string name)
    {
        string path = Path.Combine(_folder, "evil.tar");
        await using (TarWriter writer = new(File.Create(path), TarEntryFormat.Pax))
        {
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream("x"u8.ToArray()) }, Cancellation);
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "manifest.json") { LinkName = name }, Cancellation);
        }

        await Assert.ThrowsAsync<OciFormatException>(() => ImageArchive.OpenAsync(path, Cancellation));
    }

    [Fact]
    public async Task TarsThatClaimMoreThanTheyHaveAreRefused()
    {
        string path = Path.Combine(_folder, "short.tar");
        await using (TarWriter writer = new(File.Create(path), TarEntryFormat.Ustar))
        {
            await writer.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, "manifest.json") { DataStream = new MemoryStream(new byte[4000]) }, Cancellation);
        }

        await using (FileStream file = File.OpenWrite(path))
        {
            file.SetLength(2000);
        }

        Assert.Contains("truncated", (await Assert.ThrowsAsync<OciFormatException>(() => ImageArchive.OpenAsync(path, Cancellation))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GarbageIsNoArchive()
    {
        byte[] garbage = new byte[10_000];
        Random random = new(1);
        for (int i = 0; i < 200; i++)
        {
            random.NextBytes(garbage);
            string path = Path.Combine(_folder, "garbage");
            await File.WriteAllBytesAsync(path, garbage, Cancellation);
            await Assert.ThrowsAsync<OciFormatException>(() => ImageArchive.OpenAsync(path, Cancellation));
        }
    }

    [Fact]
    public async Task FlippedBitsOfATarAreFoundOrHarmless()
    {
        string path = Layout(Encoding.ASCII.GetBytes("layer"), out string manifest);
        using (ImageArchive archive = await ImageArchive.OpenAsync(path, Cancellation))
        {
            ImageTree tree = await ImageTree.ReadAsync(archive, archive.Images[0].Target, [], Cancellation);
            await using FileStream file = File.Create(Path.Combine(_folder, "good.tar"));
            await ImageArchiveWriter.WriteAsync(new TarOutput(file), [new ImageToWrite(archive.Images[0].Target, ["example.com/a:1"], tree)], archive, null, Cancellation);
        }

        byte[] good = await File.ReadAllBytesAsync(Path.Combine(_folder, "good.tar"), Cancellation);
        Random random = new(2);
        string bad = Path.Combine(_folder, "bad.tar");
        int whole = 0;
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = (byte[])good.Clone();
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(bad, bytes, Cancellation);
            try
            {
                using ImageArchive archive = await ImageArchive.OpenAsync(bad, Cancellation);
                foreach (ArchivedImage image in archive.Images)
                {
                    ImageTree tree = await ImageTree.ReadAsync(archive, image.Target, [], Cancellation);
                    if (tree.Missing.Count == 0)
                    {
                        await ImageArchiveWriter.WriteAsync(new TarOutput(Stream.Null), [new ImageToWrite(image.Target, image.Names, tree)], archive, null, Cancellation);
                        Assert.Equal(manifest, image.Target.Digest.ToString());
                        whole++;
                    }
                }
            }
            catch (OciFormatException)
            {
                refused++;
            }
        }

        // Both happen: a bit of padding means nothing, one of a document does.
        Assert.NotEqual(0, whole);
        Assert.NotEqual(0, refused);
    }

    [Fact]
    public async Task DockerArchive_LayersMustBeWhatTheConfigurationSays()
    {
        string root = Path.Combine(_folder, "docker");
        Directory.CreateDirectory(root);
        await File.WriteAllTextAsync(Path.Combine(root, "layer.tar"), "layer", Cancellation);
        await File.WriteAllTextAsync(
            Path.Combine(root, "config.json"), $$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:{{{Hash("other"u8.ToArray())}}}"]}}""", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(root, "manifest.json"), """[{"Config":"config.json","RepoTags":["a:1"],"Layers":["layer.tar"]}]""", Cancellation);

        Assert.Contains(Hash("layer"u8.ToArray()), (await Assert.ThrowsAsync<OciFormatException>(() => ImageArchive.OpenAsync(root, Cancellation))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}""")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]}""")]
    [InlineData("""{"manifests":[],"manifests":[]}""")]
    [InlineData("""{"manifests":[{"mediaType":"x","digest":"sha256:../../x","size":1}]}""")]
    [InlineData("""{"manifests":[{"mediaType":"x","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","size":-1}]}""")]
    [InlineData("""{"manifests":{}}""")]
    [InlineData("[]")]
    [InlineData("")]
    public void AmbiguousAndMalformedIndexesAreRefused(string json)
    {
        Assert.Throws<OciFormatException>(() => OciManifest.Parse(Encoding.UTF8.GetBytes(json), OciMediaTypes.Index, "test"));
    }

    [Theory]
    [InlineData("sha256:" + "A000000000000000000000000000000000000000000000000000000000000000", false)]
    [InlineData("sha256:0", false)]
    [InlineData("md5:00000000000000000000000000000000", false)]
    [InlineData("sha256:" + "a000000000000000000000000000000000000000000000000000000000000000\n", false)]
    [InlineData("sha256:" + "a000000000000000000000000000000000000000000000000000000000000000", true)]
    public void Digests(string text, bool valid)
    {
        Assert.Equal(valid, ContentDigest.TryParse(text, out ContentDigest digest));
        if (valid)
        {
            Assert.Equal(text, digest.ToString());
        }
    }

    private string Layout(byte[] layer, out string manifest)
    {
        string root = Path.Combine(_folder, "layout");
        Directory.CreateDirectory(Path.Combine(root, "blobs", "sha256"));
        string config = $$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:{{{Hash(layer)}}}"]}}""";
        string json = $$"""
            {"schemaVersion":2,"mediaType":"{{OciMediaTypes.Manifest}}","config":{{Blob(root, Encoding.UTF8.GetBytes(config), OciMediaTypes.Config)}},"layers":[{{Blob(root, layer, OciMediaTypes.Layer)}}]}
            """;
        string descriptor = Blob(root, Encoding.UTF8.GetBytes(json), OciMediaTypes.Manifest);
        manifest = "sha256:" + Hash(Encoding.UTF8.GetBytes(json));
        File.WriteAllText(Path.Combine(root, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllText(
            Path.Combine(root, "index.json"),
            $$$"""{"schemaVersion":2,"manifests":[{{{descriptor.Replace("}", ",\"annotations\":{\"io.containerd.image.name\":\"example.com/a:1\"}}", StringComparison.Ordinal)}}}]}""");
        return root;
    }

    private static string Blob(string root, byte[] bytes, string mediaType)
    {
        File.WriteAllBytes(Path.Combine(root, "blobs", "sha256", Hash(bytes)), bytes);
        return $$"""{"mediaType":"{{mediaType}}","digest":"sha256:{{Hash(bytes)}}","size":{{bytes.Length}}}""";
    }

    private static string Hash(byte[] bytes)
    {
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
