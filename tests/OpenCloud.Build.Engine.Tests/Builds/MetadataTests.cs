using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>What is said about an image beside what is in it: platforms, annotations, attestations, times.</summary>
public sealed class MetadataTests(EngineFixture engines)
{
    private const long Epoch = 1_600_000_000;

    private static readonly string[] IndexTypes = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task SeveralPlatforms_MakeOneIndex(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nARG TARGETARCH\nLABEL arch=${TARGETARCH}\nCOPY Dockerfile /\n");
        ImageBuildResult result = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, Tags = [BuildRun.NewTag("two")], Outputs = ImageDocuments.Outputs(engine), Platforms = ["linux/amd64", "linux/arm64"] }, Cancellation);

        Assert.Equal(["linux/amd64", "linux/arm64"], result.Platforms);
        Assert.Contains(DescriptorOf(result).GetProperty("mediaType").GetString(), IndexTypes);
        List<JsonElement> manifests = ImageDocuments.Manifests(await ImageDocuments.ReadAsync(engine, result.Digest!));
        Assert.Equal(["amd64", "arm64"], manifests.Select(static m => m.GetProperty("platform").GetProperty("architecture").GetString()!).Order());
        foreach (JsonElement manifest in manifests)
        {
            JsonElement document = await ImageDocuments.ReadAsync(engine, manifest.GetProperty("digest").GetString()!);
            JsonElement config = await ImageDocuments.ReadAsync(engine, document.GetProperty("config").GetProperty("digest").GetString()!);
            Assert.Equal(
                manifest.GetProperty("platform").GetProperty("architecture").GetString(),
                config.GetProperty("config").GetProperty("Labels").GetProperty("arch").GetString());
        }
    }

    [Theory]
    [EngineData]
    public async Task Annotations_StandWhereTheyShould(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
        ImageBuildResult result = await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Tags = [BuildRun.NewTag("annotated")],
                Outputs = ImageDocuments.Outputs(engine),
                Platforms = ["linux/amd64", "linux/arm64"],
                Annotations =
                [
                    new(AnnotationLevel.Manifest, null, "org.example.all", "a=b, c"),
                    new(AnnotationLevel.Manifest, Platform.Parse("linux/arm64"), "org.example.arm", "yes"),
                    new(AnnotationLevel.Index, null, "org.example.index", "i"),
                    new(AnnotationLevel.ManifestDescriptor, Platform.Parse("linux/amd64"), "org.example.descriptor", "d"),
                    new(AnnotationLevel.IndexDescriptor, null, "org.example.outer", "o"),
                ],
            },
            Cancellation);

        Assert.Equal("o", ImageDocuments.Annotation(DescriptorOf(result), "org.example.outer"));
        JsonElement index = await ImageDocuments.ReadAsync(engine, result.Digest!);
        Assert.Equal("i", ImageDocuments.Annotation(index, "org.example.index"));
        foreach (JsonElement descriptor in ImageDocuments.Manifests(index))
        {
            bool isArm = descriptor.GetProperty("platform").GetProperty("architecture").GetString() == "arm64";
            JsonElement manifest = await ImageDocuments.ReadAsync(engine, descriptor.GetProperty("digest").GetString()!);
            Assert.Equal("a=b, c", ImageDocuments.Annotation(manifest, "org.example.all"));
            Assert.Equal(isArm ? "yes" : null, ImageDocuments.Annotation(manifest, "org.example.arm"));
            Assert.Equal(isArm ? null : "d", ImageDocuments.Annotation(descriptor, "org.example.descriptor"));
        }
    }

    [Fact]
    public async Task AnIndexAnnotationWithoutAnIndex_IsRefusedBeforeAnythingIsSent()
    {
        RunningEngine engine = await engines.GetAsync(EngineNames.Docker28);
        ArgumentException failure = await Assert.ThrowsAsync<ArgumentException>(() => BuildRun.RunAsync(
            engine,
            new() { ContextPath = "/no/such/directory", Annotations = [new(AnnotationLevel.Index, null, "a", "b")] },
            Cancellation));
        Assert.Contains("'a'", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task Provenance_IsAttachedAndIsNoPlatform(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nARG SAID=x\nCOPY Dockerfile /\n");
        ImageBuildResult result = await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Tags = [BuildRun.NewTag("provenance")],
                Outputs = ImageDocuments.Outputs(engine),
                BuildArguments = new Dictionary<string, string> { ["SAID"] = "marker" },
                Attestations = [new(ImageAttestation.Provenance, new Dictionary<string, string> { ["mode"] = "max" })],
                Annotations = [new(AnnotationLevel.Index, null, "org.example.index", "i")],
            },
            Cancellation);

        Assert.Single(result.Platforms);
        Assert.Contains("index", DescriptorOf(result).GetProperty("mediaType").GetString()!, StringComparison.Ordinal);
        string statement = await StatementAsync(engine, result, "slsa.dev/provenance");
        Assert.Contains("marker", statement, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task AProvenance_NamesTheRepositoryWithoutCredentials(string name)
    {
        const string Revision = "0123456789abcdef0123456789abcdef01234567";
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder repository = new();
        repository.Write(".git/HEAD", "ref: refs/heads/main\n");
        repository.Write(".git/refs/heads/main", Revision + "\n");
        repository.Write(".git/config", "[remote \"origin\"]\n\turl = https://someone:hidden-token@git.example.test/team/app.git\n");
        repository.Write("app/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");

        ImageBuildResult result = await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = repository.At("app"),
                Tags = [BuildRun.NewTag("vcs")],
                Outputs = ImageDocuments.Outputs(engine),
                Attestations = [new(ImageAttestation.Provenance, new Dictionary<string, string> { ["mode"] = "max" })],
            },
            Cancellation);

        string statement = await StatementAsync(engine, result, "slsa.dev/provenance");
        Assert.Contains(Revision, statement, StringComparison.Ordinal);
        Assert.Contains("https://git.example.test/team/app.git", statement, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden-token", statement, StringComparison.Ordinal);
        Assert.DoesNotContain("someone", statement, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task ProxiesOfDocker_AreInNothingThatIsKept(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\nRUN [\"/busybox\", \"sh\", \"-c\", \"[ -n \\\"$HTTPS_PROXY\\\" ]\"]\n");
        using ContextFolder config = new();
        config.Write("config.json", """{"proxies":{"default":{"httpsProxy":"http://someone:hidden-word@proxy.example.test:3128"} } }""");
        using ContextFolder place = new();

        await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                NoCache = true,
                DockerConfigDirectory = config.Path,
                Outputs = [BuildOutput.Parse($"type=oci,dest={place.At("layout")},tar=false")],
            },
            Cancellation);

        foreach (string blob in Directory.GetFiles(place.At("layout"), "*", SearchOption.AllDirectories).Where(static f => new FileInfo(f).Length < 100_000))
        {
            Assert.DoesNotContain("proxy.example.test", await File.ReadAllTextAsync(blob, Cancellation), StringComparison.Ordinal);
        }

        context.Write("Dockerfile", "FROM scratch\nCOPY busybox /\nRUN [\"/busybox\", \"sh\", \"-c\", \"echo $HTTPS_PROXY; exit 7\"]\n");
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path, DockerConfigDirectory = config.Path }, Cancellation);
        Assert.DoesNotContain("hidden-word", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task AnSbom_IsMadeByTheGeneratorThatWasNamed(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder scanner = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox scan /\nENTRYPOINT [\"/busybox\", \"sh\", \"/scan\"]\n");
        scanner.Write("scan", """
            for f in "$BUILDKIT_SCAN_SOURCE"/*; do names="$names ${f##*/}"; done
            echo "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://spdx.dev/Document\",\"predicate\":{\"name\":\"made by a test of$names\"}}" > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
            """);
        await using SharedImage generator = await SharedImage.BuildAsync(engine, scanner, "scanner", Cancellation);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY Dockerfile /scanned-file\n");

        ImageBuildResult result = await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Tags = [BuildRun.NewTag("sbom")],
                Outputs = ImageDocuments.Outputs(engine),
                Attestations = [new(ImageAttestation.Sbom, new Dictionary<string, string> { ["generator"] = generator.Reference })],
                RegistryCredentials = generator.Credentials,
            },
            Cancellation);

        Assert.Contains("made by a test of scanned-file", await StatementAsync(engine, result, "spdx.dev/Document"), StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task TwoBuildsOfTheSameTree_HaveTheSameDigest(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        (ImageBuildResult first, TarImage image) = await DatedAsync(engine, new SourceDate(Epoch, RewriteTimestamps: true), TimeSpan.Zero);
        (ImageBuildResult second, _) = await DatedAsync(engine, new SourceDate(Epoch, RewriteTimestamps: true), TimeSpan.FromHours(1));
        (ImageBuildResult without, _) = await DatedAsync(engine, null, TimeSpan.FromHours(2));

        Assert.Equal(first.Digest, second.Digest);
        Assert.NotEqual(first.Digest, without.Digest);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(Epoch), image.Config.GetProperty("created").GetDateTimeOffset());
        Assert.All(image.Files.Values, static f => Assert.True(f.ModificationTime <= DateTimeOffset.FromUnixTimeSeconds(Epoch), f.Path));
    }

    [Theory]
    [EngineData]
    public async Task ASourceDateAlone_SetsTheConfigsTimeOnly(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        (_, TarImage image) = await DatedAsync(engine, new SourceDate(Epoch, RewriteTimestamps: false), TimeSpan.Zero);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(Epoch), image.Config.GetProperty("created").GetDateTimeOffset());
        Assert.Contains(image.Files.Values, static f => f.ModificationTime > DateTimeOffset.FromUnixTimeSeconds(Epoch));
    }

    private static async Task<(ImageBuildResult Result, TarImage Image)> DatedAsync(RunningEngine engine, SourceDate? date, TimeSpan age)
    {
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox tree /\nRUN [\"/busybox\", \"sh\", \"-c\", \"echo made > /made\"]\n");
        context.Write("tree/a/b", "b");
        context.Write("tree/c", "c");
        foreach (string path in Directory.EnumerateFileSystemEntries(context.Path, "*", SearchOption.AllDirectories).OrderDescending())
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow - age);
        }

        using BuiltImage built = new(engine);
        ImageBuildResult result = await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                Tags = [BuildRun.NewTag("dated")],
                SourceDate = date,
                NoCache = true,
                Outputs = built.Outputs,
            },
            Cancellation);
        return (result, await built.ReadAsync(result.References[0], Cancellation));
    }

    private static JsonElement DescriptorOf(ImageBuildResult result)
    {
        byte[] json = Convert.FromBase64String(result.ExporterResponse["containerimage.descriptor"]);
        using JsonDocument document = JsonDocument.Parse(Encoding.UTF8.GetString(json));
        return document.RootElement.Clone();
    }

    /// <summary>The statement of a type that the image's attestation manifest holds.</summary>
    private static async Task<string> StatementAsync(RunningEngine engine, ImageBuildResult result, string type)
    {
        JsonElement index = await ImageDocuments.ReadAsync(engine, result.Digest!);
        JsonElement attestation = Assert.Single(
            ImageDocuments.Manifests(index), static m => ImageDocuments.Annotation(m, "vnd.docker.reference.type") == "attestation-manifest");
        JsonElement manifest = await ImageDocuments.ReadAsync(engine, attestation.GetProperty("digest").GetString()!);
        JsonElement layer = Assert.Single(
            manifest.GetProperty("layers").EnumerateArray(),
            l => ImageDocuments.Annotation(l, "in-toto.io/predicate-type")!.Contains(type, StringComparison.Ordinal));
        return (await ImageDocuments.ReadAsync(engine, layer.GetProperty("digest").GetString()!)).GetRawText();
    }
}
