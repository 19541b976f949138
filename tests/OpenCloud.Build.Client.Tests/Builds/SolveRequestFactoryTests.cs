using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Workers;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Builds;

public sealed class SolveRequestFactoryTests
{
    private static readonly EngineAddress Docker = EngineAddress.Parse("docker:///run/docker.sock");
    private static readonly EngineAddress BuildKit = EngineAddress.Parse("unix:///run/buildkit/buildkitd.sock");

    [Fact]
    public void TheFrontendGetsWhatTheBuildAsksFor()
    {
        using TemporaryDirectory context = new();
        string dockerfile = Path.Combine(context.Path, "My.dockerfile");
        File.WriteAllText(dockerfile, "FROM scratch");
        SolveRequest request = Create(new()
        {
            ContextPath = context.Path,
            DockerfilePath = dockerfile,
            BuildArguments = new Dictionary<string, string> { ["A"] = "1" },
            Labels = new Dictionary<string, string> { ["l"] = "v" },
            Target = "t",
            Platforms = ["linux/amd64", "linux/arm64"],
            NoCache = true,
            Pull = true,
        });

        Assert.Equal("dockerfile.v0", request.Frontend);
        Assert.Equal(("ref", "session"), (request.Ref, request.Session));
        Assert.Equal(
            new SortedDictionary<string, string>
            {
                ["build-arg:A"] = "1",
                ["filename"] = "My.dockerfile",
                ["image-resolve-mode"] = "pull",
                ["label:l"] = "v",
                ["no-cache"] = "",
                ["platform"] = "linux/amd64,linux/arm64",
                ["target"] = "t",
                ["vcs:localdir:context"] = Path.GetFileName(context.Path),
            },
            new SortedDictionary<string, string>(request.FrontendAttrs));
    }

    [Fact]
    public void AProvenanceDoesNotPublishTheDirectory()
    {
        using TemporaryDirectory context = new();
        ImageAttestation provenance = new(ImageAttestation.Provenance, new Dictionary<string, string> { ["mode"] = "max" });
        SolveRequest request = Create(new() { ContextPath = context.Path, DockerfileText = "FROM scratch", Attestations = [provenance] });
        Assert.DoesNotContain("vcs:localdir:context", request.FrontendAttrs.Keys);
    }

    [Fact]
    public void ADockerEngineExportsToItsOwnStore()
    {
        SolveRequest request = Create(new() { ContextPath = "/", DockerfileText = "FROM scratch", Tags = ["app", "app:latest", "registry.test:5000/team/app:2"] }, Docker);
        Exporter exporter = Assert.Single(request.Exporters);
        Assert.Equal("moby", exporter.Type);
        Assert.Equal("docker.io/library/app:latest,registry.test:5000/team/app:2", exporter.Attrs["name"]);
        Assert.Equal("moby", request.ExporterDeprecated);
        Assert.Equal(exporter.Attrs, request.ExporterAttrsDeprecated);
    }

    [Fact]
    public void AContainerdWorkerUnpacks()
    {
        WorkerRecord worker = new() { Labels = { ["org.mobyproject.buildkit.worker.executor"] = "containerd", ["org.mobyproject.buildkit.worker.containerd.namespace"] = "buildkit" } };
        EngineProfile profile = EngineProfile.From(BuildKit, new ListWorkersResponse { Record = { worker } });
        Assert.True(profile.KeepsImages);
        Exporter exporter = Assert.Single(Create(new() { ContextPath = "/", DockerfileText = "FROM scratch", Tags = ["a"] }, profile).Exporters);
        Assert.Equal(("image", "true"), (exporter.Type, exporter.Attrs["unpack"]));
    }

    [Fact]
    public void AnOciWorkerKeepsNoImages()
    {
        WorkerRecord worker = new() { Labels = { ["org.mobyproject.buildkit.worker.executor"] = "oci" } };
        EngineProfile profile = EngineProfile.From(BuildKit, new ListWorkersResponse { Record = { worker } });
        Assert.False(profile.KeepsImages);
        Assert.DoesNotContain("unpack", Create(new() { ContextPath = "/", DockerfileText = "FROM scratch", NeedsDigest = true }, profile).Exporters[0].Attrs.Keys);
    }

    [Theory]
    [InlineData(true, true, true, false, false, 1)]
    [InlineData(true, true, false, false, false, 1)]
    [InlineData(false, true, true, false, false, 1)]
    [InlineData(false, true, false, false, false, 0)]
    [InlineData(false, false, true, false, false, 0)]
    [InlineData(false, false, false, true, false, 1)]
    [InlineData(false, false, false, false, true, 1)]
    public void AnImageIsMadeWhereItIsOfUse(bool docker, bool hasStore, bool hasTag, bool needsDigest, bool isAttested, int exporters)
    {
        WorkerRecord worker = new() { Labels = { ["org.mobyproject.buildkit.worker.executor"] = hasStore ? "containerd" : "oci" } };
        EngineProfile profile = EngineProfile.From(docker ? Docker : BuildKit, new ListWorkersResponse { Record = { worker } });
        SolveRequest request = Create(
            new()
            {
                ContextPath = "/",
                DockerfileText = "FROM scratch",
                Tags = hasTag ? ["a"] : [],
                NeedsDigest = needsDigest,
                Attestations = isAttested ? [new(ImageAttestation.Provenance, new Dictionary<string, string>())] : [],
            },
            profile);
        Assert.Equal(exporters, request.Exporters.Count);
        Assert.Equal(exporters == 0, request.ExporterDeprecated.Length == 0);
    }

    [Fact]
    public void ACacheOnlyOutputIsNoExporter()
    {
        ImageBuildRequest build = new() { ContextPath = "/", DockerfileText = "FROM scratch", Tags = ["a"], Outputs = [BuildOutput.Parse("type=cacheonly")] };
        Assert.Empty(Create(build, Docker).Exporters);
        ImageBuildRequest both = new() { ContextPath = "/", DockerfileText = "FROM scratch", Outputs = [BuildOutput.Parse("type=cacheonly"), BuildOutput.Parse("out")] };
        Assert.Equal(BuildFailureKind.InvalidRequest, Assert.Throws<ImageBuildException>(() => Create(both, Docker)).Kind);
    }

    [Fact]
    public void TextHasTheUsualName()
        => Assert.Equal("Dockerfile", Create(new() { ContextPath = "/", DockerfileText = "FROM scratch" }).FrontendAttrs["filename"]);

    [Fact]
    public void TheSessionKeyIsOfTheDirectoryTheUserAndTheMachine()
    {
        string key = SessionKey.ForDirectory("/a/b", "m", "u");
        Assert.Equal(key, SessionKey.ForDirectory("/a/b/", "m", "u"));
        Assert.Equal(32, key.Length);
        Assert.Equal(4, new[] { key, SessionKey.ForDirectory("/a/c", "m", "u"), SessionKey.ForDirectory("/a/b", "n", "u"), SessionKey.ForDirectory("/a/b", "m", "v") }.Distinct().Count());
        Assert.Equal(SessionKey.ForDirectory("/x"), SessionKey.ForDirectory("/x"));
    }

    private static SolveRequest Create(ImageBuildRequest build, EngineAddress? address = null)
        => Create(build, EngineProfile.From(address ?? BuildKit, new ListWorkersResponse()));

    private static SolveRequest Create(ImageBuildRequest build, EngineProfile engine)
        => SolveRequestFactory.Create(build, engine, BuildInputs.Of(build, DockerfileContent.Of(build, TestContext.Current.CancellationToken)), OutputPlan.Create(build, engine), "ref", "session");
}
