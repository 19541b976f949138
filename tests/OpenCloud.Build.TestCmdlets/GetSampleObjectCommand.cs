using System.Management.Automation;
using Google.Protobuf;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Client.Certificates;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Client.Vulnerabilities;
using OpenCloud.Build.Definitions.Model;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Diagnosis;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Images;
using InstalledWorker = OpenCloud.Build.Host.BuildKitWorker;
using Timestamp = Google.Protobuf.WellKnownTypes.Timestamp;
using Worker = OpenCloud.Build.Client.Engines.Capabilities.BuildKitWorker;

namespace OpenCloud.Build.TestCmdlets;

/// <summary>Gives objects of each type that the module's cmdlets give, the same each time.</summary>
[Cmdlet(VerbsCommon.Get, "SampleObject")]
public sealed class GetSampleObjectCommand : PSCmdlet
{
    private const string Engine = "unix:///run/buildkit/buildkitd.sock";
    private const string Containerd = "unix:///run/containerd/containerd.sock";

    private static readonly DateTimeOffset Then = new(2026, 11, 28, 9, 30, 15, TimeSpan.Zero);
    private static readonly string LongName = "registry.example.com:5000/platform/services/checkout-service:2026.11.28-rc1";

    /// <summary>The type's name without its namespace.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public string Type { get; set; } = "";

    protected override void ProcessRecord() => WriteObject(Samples(), enumerateCollection: true);

    private IEnumerable<object> Samples() => Type switch
    {
        nameof(ImageBuildResult) => [Build(["docker.io/demo/app:1", "docker.io/demo/app:latest"], 9.5), Build([$"{LongName}"], 754), Build([], 4000)],
        nameof(BuildStep) => Steps(),
        nameof(BuildWarning) => [new BuildWarning("The MAINTAINER instruction is deprecated.", "", "https://docs.docker.com/go/dockerfile/rule/", "Dockerfile", 2, 1)],
        nameof(BuildRecord) => Records(),
        nameof(BuildCacheRecord) => CacheRecords(),
        nameof(ContainerImage) => [Image("docker.io/library/app:1", 5_500_000), Image(LongName, 1_264_000_000) with { Labels = new Dictionary<string, string> { ["org.opencontainers.image.source"] = "https://example.com/app", ["version"] = "1" } }, Image("docker.io/demo/broken:2", 900) with { IsComplete = false, Missing = [Digest('e')] }],
        nameof(ContainerImagePlatform) => Image("docker.io/library/app:1", 1).Platforms,
        nameof(ContainerImageTransfer) => [new ContainerImageTransfer { References = ["registry.local:5000/team/app:1", LongName], Digest = Digest('a'), Source = "team/app:1", Platforms = ["linux/amd64", "linux/arm64"], Store = Containerd, Namespace = "default", BytesMoved = 123_456_789, ContentsMoved = 12, ContentsMounted = 2, ContentsPresent = 3 }],
        nameof(ContainerImageVulnerability) => [new ContainerImageVulnerability { Image = "docker.io/demo/app:1", Platform = "linux/amd64", Package = "libssl3", Version = "3.0.11-1~deb12u2", Id = "DEBIAN-CVE-2024-5535", Aliases = ["CVE-2024-5535"], Severity = VulnerabilitySeverity.Critical, Score = 9.1, FixedVersion = "3.0.14-1~deb12u1", Ecosystem = "Debian:12", Purl = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?distro=debian-12", Summary = "A buffer overread", Url = "https://example.com/CVE-2024-5535", Published = Then }],
        nameof(ContainerImageAttestation) => [new ContainerImageAttestation { Image = "docker.io/demo/app:1", Platform = "linux/amd64", Kind = AttestationKind.Provenance, PredicateType = "https://slsa.dev/provenance/v1", Format = "SLSA 1", Subject = Digest('c'), Digest = Digest('a'), Size = 4_321, Builder = "https://example.com/builder", Started = Then }],
        nameof(BuildDefinition) => [new BuildDefinition { Name = "api", LiteralPath = "/srv/app", Tag = ["demo/app:1"], Source = "/srv/app/compose.yaml" }],
        nameof(BuildLogLine) => [new BuildLogLine { Ref = "b2c5a6048a3733afa93b568fdabf8d1e", Step = 3, Time = Then, Stream = BuildLogStream.Output, Text = "make: done", StepName = "[build 2/2] RUN make", Elapsed = TimeSpan.FromSeconds(2.5) }],
        nameof(ContainerRegistryLogin) => [new ContainerRegistryLogin { Registry = "registry.local:5000", UserName = "builder", SavedIn = "/home/builder/.docker/config.json" }],
        nameof(BuildKitEngine) => [new BuildKitEngine { Name = "fleet", IsDefault = true, Nodes = [new EngineNode { Address = "tcp://10.0.0.5:1234", Platform = "linux/amd64, linux/386", CertificateDirectory = "/srv/pki/client/ci" }, new EngineNode { Address = "ssh://me@arm-host", Platform = "linux/arm64" }], Labels = new Dictionary<string, string> { ["team"] = "web" }, CacheFrom = ["type=registry,ref=cache.example/app:cache"] }],
        nameof(BuildKitContainer) => [new BuildKitContainer { Name = "buildkitd", Address = "docker-container://buildkitd", State = "running", Change = BuildKitContainerChange.Created, Image = "moby/buildkit:buildx-stable-1", Digest = "sha256:" + new string('a', 64), Network = "none", CacheVolume = "buildkitd-cache", ModuleVersion = "0.1.0", Created = Then, Id = new string('b', 64), Store = "docker:///nowhere/docker.sock" }],
        nameof(BuildKitCertificate) => [new BuildKitCertificate { Role = CertificateRole.Server, Name = "builder.example", Names = ["builder.example", "192.0.2.7"], Path = "/srv/pki/server/builder.example", Change = CertificateChange.Renewed, NotBefore = Then, NotAfter = Then.AddDays(365), Fingerprint = new string('a', 64) }],
        nameof(BuildKitDeployment) => [new BuildKitDeployment { Name = "builders", Namespace = "ci", Context = "admin@cluster", Address = "kube-deployment://builders?context=admin@cluster&namespace=ci", Kind = BuildKitDeploymentKind.StatefulSet, Replicas = 3, Ready = 2, Image = "docker.io/moby/buildkit:v0.32.2-rootless", IsRootless = true, HasTls = true, Created = Then }],
        nameof(ContainerImageImport) => [new ContainerImageImport { References = ["docker.io/demo/app:1", LongName], Digest = Digest('a'), Store = Containerd, Namespace = "default", Path = "/srv/app.tar", BytesMoved = 123_456_789, ContentsMoved = 12, ContentsPresent = 3 }],
        nameof(BuildKitInfo) => [new BuildKitInfo { Address = Engine, Source = "/run/buildkit/buildkitd.sock", Version = "v0.32.2", Revision = "0123456789abcdef", Package = "github.com/moby/buildkit", WorkerRecords = [EngineWorker()] }],
        nameof(Client.Engines.Capabilities.BuildKitWorker) => [EngineWorker()],
        nameof(BuildCachePolicy) => EngineWorker().GCPolicy,
        nameof(AccessReport) => [new AccessReport("ubuntu", PrincipalKind.User, "buildkit", "not a member", "member", "a new login: 3 of 7 running processes of ubuntu are not members yet", true)],
        nameof(DiagnosisCheck) => Diagnosis().Checks,
        nameof(SocketDiagnosis) => [Diagnosis()],
        nameof(InstallResult) => [Installed()],
        nameof(HostStepOutcome) => Installed().Steps,
        nameof(BuildKitInstallation) => [new BuildKitInstallation { Version = "v0.32.2", ByThisModule = true, Program = "/usr/local/bin/buildkitd", Prefix = "/usr/local", Worker = InstalledWorker.Containerd, Group = "buildkit", InstalledAt = Then, Integrity = Installed().Integrity, Files = [new InstalledFile("/etc/buildkit/buildkitd.toml", "as installed")], Vulnerabilities = ["CVE-2026-33747"] }],
        nameof(DockerfileCheck) => [new DockerfileCheck("StageNameCasing", "Stage names should be lowercase", "Stage name 'Base' should be lowercase", "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/", "Dockerfile", 3, 3), new DockerfileCheck("BuildError", "The Dockerfile cannot be built.", "unknown instruction: FORM", null, null, null, null)],
        nameof(DockerfileTarget) => [new DockerfileTarget("build", false, "compiles", "docker.io/library/golang:1.25", null, 3), new DockerfileTarget(null, true, null, "scratch", null, 9)],
        nameof(DockerfileOutline) => [new DockerfileOutline { Target = "build", Arguments = [new OutlineArgument("VERSION", "1.0", "of the program", 1), new OutlineArgument("TARGETARCH", null, null, 2)], Secrets = [new OutlineMount("token", true, 5)], Ssh = [new OutlineMount("default", false, 6)], Caches = [new OutlineMount("go-build", false, 7)] }],
        _ => throw new ArgumentException($"There is no sample of '{Type}'."),
    };

    private static string Digest(char digit) => "sha256:" + new string(digit, 64);

    private static ImageBuildResult Build(string[] references, double seconds) => new()
    {
        References = references,
        Digest = references.Length == 0 ? null : Digest('a'),
        ConfigDigest = references.Length == 0 ? null : Digest('b'),
        Address = Engine,
        Store = references.Length == 0 ? null : Containerd,
        Namespace = references.Length == 0 ? null : "default",
        EngineVersion = "v0.32.2",
        Platforms = ["linux/amd64", "linux/arm64"],
        Path = "/srv/app",
        Duration = TimeSpan.FromSeconds(seconds),
        Started = Then,
        Steps = Steps(),
        Warnings = [new BuildWarning("The MAINTAINER instruction is deprecated.", "", null, "Dockerfile", 2, 1)],
        BytesSent = 1_234_567,
        FilesSent = 12,
        Ref = "b2c5a6048a3733afa93b568fdabf8d1e",
        ExporterResponse = new Dictionary<string, string> { ["containerimage.digest"] = Digest('a') },
    };

    private static IReadOnlyList<BuildStep> Steps()
    {
        BuildModel model = new();
        Timestamp At(double seconds) => Timestamp.FromDateTimeOffset(Then + TimeSpan.FromSeconds(seconds));
        model.Apply(new StatusResponse
        {
            Vertexes =
            {
                new Vertex { Digest = Digest('1'), Name = "[internal] load build definition from Dockerfile", Started = At(0), Completed = At(0.1) },
                new Vertex { Digest = Digest('2'), Name = "[build 1/2] FROM docker.io/library/golang:1.25", Started = At(0.1), Completed = At(0.1), Cached = true },
                new Vertex { Digest = Digest('3'), Name = "[build 2/2] RUN --mount=type=cache,target=/root/.cache go build -trimpath -o /app ./cmd/app && strip --strip-all /app", Started = At(0.2), Completed = At(84.7) },
                new Vertex { Digest = Digest('4'), Name = "exporting to image", Started = At(84.8), Completed = At(85), Error = "failed to push" },
            },
            Statuses = { new VertexStatus { Vertex = Digest('4'), Id = "pushing layers", Current = 1, Total = 2, Timestamp = At(84.9) } },
            Logs = { new VertexLog { Vertex = Digest('3'), Stream = 1, Msg = ByteString.CopyFromUtf8("go: downloading one\ngo: downloading two\n"), Timestamp = At(3) } },
        });
        return [.. model.Steps];
    }

    private static BuildRecord[] Records() =>
    [
        new BuildRecord { Ref = "b2c5a6048a3733afa93b568fdabf8d1e", Address = Engine, Status = BuildRecordStatus.Completed, Started = Then, Completed = Then.AddSeconds(12.3), Subject = "demo/app:1", References = ["docker.io/demo/app:1"], Digest = Digest('a'), Frontend = "dockerfile.v0", Attributes = new Dictionary<string, string> { ["build-arg:VERSION"] = "1", ["filename"] = "Dockerfile" }, Exporters = ["image"], StepCount = 8, CachedCount = 3, CompletedCount = 8, WarningCount = 1, HasLog = true },
        new BuildRecord { Ref = "nvb7r1g4cmb1uo8nxv4l8ebxk", Address = Engine, Status = BuildRecordStatus.Failed, Started = Then.AddHours(-30), Completed = Then.AddHours(-30).AddMinutes(12), Subject = LongName, References = [LongName], Frontend = "dockerfile.v0", Exporters = ["image"], StepCount = 21, CompletedCount = 17, Error = "process \"/bin/sh -c make\" did not complete successfully: exit code: 2", HasLog = true },
        new BuildRecord { Ref = "1ab688a05543fd83e92f4770a66f4505", Address = Engine, Status = BuildRecordStatus.Canceled, Started = Then.AddDays(-3), Completed = Then.AddDays(-3).AddHours(2), Subject = "checkout", Context = "checkout", Frontend = "dockerfile.v0" },
    ];

    private static IEnumerable<BuildCacheRecord> CacheRecords()
    {
        BuildCacheRecord[] records =
        [
            new BuildCacheRecord { Id = "n0k1rvmqzpvf7pvyzgpxq3b1d", Address = Engine, Type = "exec.cachemount", Description = "cached mount /root/.cache from exec /bin/sh -c go build", Size = 1_340_000_000, Created = Then.AddDays(-9), LastUsed = Then, UsageCount = 14, Mutable = true },
            new BuildCacheRecord { Id = "w4j7d2m5p9x1r8s6t3v0y2z4q", Address = Engine, Type = "source.git.checkout", Description = "git snapshot for https://example.com/app.git", Size = 5_300_000, Created = Then.AddDays(-2), LastUsed = Then.AddHours(-5), UsageCount = 2, Parents = ["n0k1rvmqzpvf7pvyzgpxq3b1d"] },
            new BuildCacheRecord { Id = "q9s8d7f6g5h4j3k2l1z0x9c8v", Address = Engine, Type = "regular", Description = "mount / from exec /bin/sh -c true", Size = 512, Shared = true, InUse = true, Created = Then.AddDays(-1) },
        ];
        ListedCacheTotals totals = new(BuildCacheTotals.Of(records));
        return records.Select(r => r with { Totals = totals });
    }

    private static ContainerImage Image(string reference, long size)
    {
        Client.Images.References.ImageReference name = Client.Images.References.ImageReference.Parse(reference);
        return new ContainerImage
        {
            Name = name.ToFamiliarString(),
            Reference = name.ToString(),
            StoreName = reference,
            Registry = name.Domain,
            Repository = name.FamiliarName,
            Tag = name.Tag ?? "",
            Digest = Digest('a'),
            Id = Digest('a'),
            MediaType = "application/vnd.oci.image.index.v1+json",
            Namespace = "default",
            Store = Containerd,
            Platforms =
            [
                new ContainerImagePlatform { Platform = "linux/amd64", Digest = Digest('c'), ConfigDigest = Digest('d'), Created = Then, ContentSize = size, UnpackedSize = size * 2 },
                new ContainerImagePlatform { Platform = "linux/arm64", Digest = Digest('e'), IsComplete = false, IsPresent = false },
            ],
            Attestations = 1,
            Created = Then,
            Stored = Then.AddMinutes(1),
            Updated = Then.AddMinutes(2),
            ContentSize = size,
            UnpackedSize = size * 2,
            Size = size * 3,
            RepoTags = [name.ToFamiliarString()],
            RepoDigests = [$"{name.FamiliarName}@{Digest('a')}"],
        };
    }

    private static Worker EngineWorker() => new()
    {
        Id = "x5p1ohdaz1zlvrr3kqwzrcbnn",
        Address = Engine,
        Version = "v0.32.2",
        Platforms = ["linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/386"],
        Labels = new SortedDictionary<string, string>
        {
            ["org.mobyproject.buildkit.worker.executor"] = "containerd",
            ["org.mobyproject.buildkit.worker.snapshotter"] = "overlayfs",
            ["org.mobyproject.buildkit.worker.network"] = "cni",
            ["org.mobyproject.buildkit.worker.hostname"] = "builder-1",
            ["org.mobyproject.buildkit.worker.containerd.namespace"] = "default",
        },
        GCPolicy =
        [
            new BuildCachePolicy(false, "type==source.local or type==exec.cachemount or type==source.git.checkout", TimeSpan.FromDays(2), 0, 512 << 20, 0),
            new BuildCachePolicy(false, "", TimeSpan.FromDays(60), 10L << 30, 100L << 30, 20L << 30),
            new BuildCachePolicy(true, "", TimeSpan.Zero, 10L << 30, 100L << 30, 20L << 30),
        ],
    };

    private static SocketDiagnosis Diagnosis() => new(
        Engine, "ubuntu", false, null, "ubuntu may not enter the socket's directory.", "Grant-BuildKitAccess -User ubuntu",
        [
            new DiagnosisCheck("Path", CheckState.Ok, "/run/buildkit/buildkitd.sock is a socket"),
            new DiagnosisCheck("Directory /run/buildkit", CheckState.Failed, "drwxr-x--- root buildkit: ubuntu is not a member of the group buildkit", "Grant-BuildKitAccess -User ubuntu"),
        ]);

    private static InstallResult Installed() => new()
    {
        Version = "v0.32.2",
        PreviousVersion = "v0.28.0",
        Prefix = "/usr/local",
        Worker = InstalledWorker.Containerd,
        Group = "buildkit",
        Address = Engine,
        Changed = true,
        Integrity = new IntegrityResult(IntegrityEvidence.KnownRelease, new string('f', 64), "the archive is the release"),
        Engine = new EngineAnswer("v0.32.2", ["containerd, overlayfs"]),
        Steps = [new HostStepOutcome(StepKind.Package, "containerd", "Install", StepResult.Changed), new HostStepOutcome(StepKind.File, "/etc/systemd/system/buildkit.service", "Write", StepResult.Unchanged)],
        Messages = ["Log in again to be a member of the group."],
    };
}
