using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Fixture;
using OpenCloud.Build.Engine.Tests.Images;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Contexts that are no directory, and contexts beside the main one.</summary>
[Collection(nameof(KeepsTheCache))]
public sealed class ContextKindTests(EngineFixture engines)
{
    private const string ShowFiles = "FROM scratch\nCOPY . /\nRUN [\"/busybox\", \"sh\", \"-c\", \"echo said=$(/busybox cat /said)\"]\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task AGitRepository_IsFetchedByTheEngine(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder served = new();
        using ContextFolder work = await ContextFolder.CreateAsync(ShowFiles);
        work.Write("said", "main");
        work.Write("sub/Other.dockerfile", ShowFiles);
        work.Write("sub/said", "sub");
        File.Copy(work.At("busybox"), work.At("sub/busybox"));
        await GitAsync(work, "init", "-q", "-b", "trunk");
        await GitAsync(work, "add", ".");
        await GitAsync(work, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "one");
        await GitAsync(work, "clone", "-q", "--bare", work.Path, served.At("app.git"));
        await using EngineServer server = await EngineServer.GitAsync(engine, served.Path);
        string url = $"git://127.0.0.1:{server.Port}/app.git";

        IReadOnlyList<string> main = await LogAsync(engine, new() { NoCache = true, ContextPath = url + "#trunk" });
        IReadOnlyList<string> sub = await LogAsync(engine, new() { NoCache = true, ContextPath = url + "#trunk:sub", DockerfilePath = "Other.dockerfile" });
        IReadOnlyList<string> text = await LogAsync(engine, new() { NoCache = true, ContextPath = url + "#trunk:sub", DockerfileText = "FROM scratch\nCOPY busybox /\nRUN [\"/busybox\", \"echo\", \"said=text\"]\n" });

        Assert.Contains(main, static l => l.Contains("said=main", StringComparison.Ordinal));
        Assert.Contains(sub, static l => l.Contains("said=sub", StringComparison.Ordinal));
        Assert.Contains(text, static l => l.Contains("said=text", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData]
    public async Task AnArchiveOverHttp_IsFetchedByTheEngine(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder served = new();
        using ContextFolder work = await ContextFolder.CreateAsync(ShowFiles);
        work.Write("said", "http " + name);
        await PackAsync(work.Path, served.At("app.tar.gz"), gzip: true);
        await using EngineServer server = await EngineServer.HttpAsync(engine, served.Path);

        IReadOnlyList<string> log = await LogAsync(engine, new() { NoCache = true, ContextPath = $"http://127.0.0.1:{server.Port}/app.tar.gz" });

        Assert.Contains(log, l => l.Contains("said=http " + name, StringComparison.Ordinal));
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28, EngineNames.Containerd2)]
    public async Task AnArchiveOverHttps_IsFetchedByAnEngineThatTrustsItsServer(string name)
    {
        (string pem, X509Certificate2 authority) = FolderServer.NewAuthority();
        using ContextFolder trust = new();
        trust.Write("authority.pem", pem);
        string variable = "SSL_CERT_FILE=" + trust.At("authority.pem");
        if (name == EngineNames.Containerd2)
        {
            await using StandaloneBuildKit standalone = await StandaloneBuildKit.StartAsync(await engines.GetAsync(name), containerdWorker: false, environment: [variable]);
            await ProveHttpsAsync(standalone.Engine, authority);
        }
        else
        {
            Dictionary<string, string?> environment = new() { ["SSL_CERT_FILE"] = trust.At("authority.pem") };
            await using PrivateEngine engine = await EngineFixture.StartPrivateAsync(name, environment: environment);
            await ProveHttpsAsync(engine.Engine, authority);
        }
    }

    [Theory]
    [EngineData]
    public async Task AnArchiveOfThisMachine_IsSent(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder folder = new();
        using ContextFolder work = await ContextFolder.CreateAsync(ShowFiles);
        work.Write("said", "packed");
        work.Write("docker/Named", ShowFiles.Replace("said=", "named=", StringComparison.Ordinal));
        work.Write("bulk", System.Security.Cryptography.RandomNumberGenerator.GetBytes(5_000_000));
        await PackAsync(work.Path, folder.At("app.tar"), gzip: false);
        await PackAsync(work.Path, folder.At("app.tgz"), gzip: true);
        folder.Write("Local", "FROM scratch\nCOPY busybox /\nRUN [\"/busybox\", \"echo\", \"local=yes\"]\n");

        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        (BuildRun run, _) = BuildRun.WatchFor("\n");
        ImageBuildResult plain = await client.BuildAsync(new() { ContextPath = folder.At("app.tar") }, run, Cancellation);
        // Before the builds without a cache, which make the same steps anew.
        ImageBuildResult again = await client.BuildAsync(new() { ContextPath = folder.At("app.tar") }, null, Cancellation);
        IReadOnlyList<string> zipped = await LogAsync(engine, new() { NoCache = true, ContextPath = folder.At("app.tgz"), DockerfilePath = "docker/Named" });
        IReadOnlyList<string> local = await LogAsync(engine, new() { NoCache = true, ContextPath = folder.At("app.tgz"), DockerfilePath = folder.At("Local") });

        Assert.Contains(run.Lines, static l => l.Contains("said=packed", StringComparison.Ordinal));
        Assert.InRange(plain.BytesSent, new FileInfo(folder.At("app.tar")).Length, new FileInfo(folder.At("app.tar")).Length + 2000);
        Assert.Equal(1, plain.FilesSent);
        Assert.Contains(zipped, static l => l.Contains("named=packed", StringComparison.Ordinal));
        Assert.Contains(local, static l => l.Contains("local=yes", StringComparison.Ordinal));
        Assert.Contains(again.Steps, static s => s.Cached && s.Name.Contains("RUN", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData]
    public async Task NamedDirectories_AreContextsOfTheirOwn(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /busybox
            COPY --from=assets . /assets
            RUN ["/busybox", "sh", "-c", "echo names=$(/busybox ls /assets | /busybox tr '\\n' ' ')text=$(/busybox cat /assets/a)"]
            """);
        using ContextFolder one = new();
        one.Write("a", "one");
        one.Write("left-out", "x");
        one.Write(".dockerignore", "left-out\n.dockerignore\n");
        using ContextFolder two = new();
        two.Write("a", "two");
        File.SetLastWriteTimeUtc(two.At("a"), File.GetLastWriteTimeUtc(one.At("a")));

        IReadOnlyList<string> first = await LogAsync(engine, With(context, ("assets", one.Path)));
        IReadOnlyList<string> second = await LogAsync(engine, With(context, ("assets", two.Path)));

        Assert.Contains(first, static l => l.Contains("names=a text=one", StringComparison.Ordinal));

        // Same name, size and time: only the directory differs.
        Assert.Contains(second, static l => l.Contains("names=a text=two", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData]
    public async Task AnOciLayout_IsABaseImageWithoutAnyNetwork(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder folder = new();
        LayoutBuilder layout = new(folder.At("layout"));
        layout.Name(layout.AddManifest("amd64", "base of " + name), "docker.io/library/base:1.0").Complete();
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM registry.invalid/team/base:3 AS base
            COPY busybox /busybox
            RUN ["/busybox", "sh", "-c", "echo base=$(/busybox cat /file)"]
            FROM scratch
            COPY --from=named /file /
            COPY --from=base /busybox /
            RUN ["/busybox", "sh", "-c", "echo named=$(/busybox cat /file)"]
            """);

        IReadOnlyList<string> log = await LogAsync(engine, With(
            context,
            ("registry.invalid/team/base:3", $"oci-layout://{layout.Root}:1.0"),
            ("named", $"oci-layout://{layout.Root}")));

        Assert.Contains(log, l => l.Contains("base=base of " + name, StringComparison.Ordinal));
        Assert.Contains(log, l => l.Contains("named=base of " + name, StringComparison.Ordinal));
        InvalidDataException wrong = await Assert.ThrowsAsync<InvalidDataException>(() => LogAsync(engine, With(context, ("base", $"oci-layout://{layout.Root}:2.0"))));
        Assert.Contains("1.0", wrong.Message, StringComparison.Ordinal);

        // A layout may come from anywhere, and its links lead where its maker likes.
        Directory.Move(folder.At("layout/blobs"), folder.At("contents"));
        Directory.CreateSymbolicLink(folder.At("layout/blobs"), folder.At("contents"));
        InvalidDataException linked = await Assert.ThrowsAsync<InvalidDataException>(() => LogAsync(engine, With(context, ("base", $"oci-layout://{layout.Root}:1.0"))));
        Assert.Contains("symbolic links in a layout are not followed", linked.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task AnImage_IsANamedContext(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM base\nRUN [\"/busybox\", \"sh\", \"-c\", \"echo from=$(/busybox cat /mark)\"]\n");
        using ContextFolder below = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox mark /\n");
        below.Write("mark", "below");
        await using SharedImage image = await SharedImage.BuildAsync(engine, below, "base", Cancellation);

        IReadOnlyList<string> log = await LogAsync(engine, new()
        {
            ContextPath = context.Path,
            NamedContexts = new Dictionary<string, string> { ["base"] = "docker-image://" + image.Reference },
            NoCache = true,
            RegistryCredentials = image.Credentials,
        });

        Assert.Contains(log, static l => l.Contains("from=below", StringComparison.Ordinal));
    }

    internal static async Task<IReadOnlyList<string>> LogAsync(RunningEngine engine, ImageBuildRequest request)
    {
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        (BuildRun run, _) = BuildRun.WatchFor("\n");
        await client.BuildAsync(request, run, Cancellation);

        // A step that comes from the cache says nothing.
        Assert.DoesNotContain(run.Lines, static l => l.Contains("CACHED", StringComparison.Ordinal) && l.Contains("RUN", StringComparison.Ordinal));
        return [.. run.Lines];
    }

    private static async Task ProveHttpsAsync(RunningEngine engine, X509Certificate2 authority)
    {
        using ContextFolder served = new();
        using ContextFolder work = await ContextFolder.CreateAsync(ShowFiles);
        work.Write("said", "https");
        await PackAsync(work.Path, served.At("app.tar.gz"), gzip: true);
        using FolderServer server = FolderServer.Start(engine, authority, served.Path);
        (_, X509Certificate2 stranger) = FolderServer.NewAuthority();
        using FolderServer unknown = FolderServer.Start(engine, stranger, served.Path);

        IReadOnlyList<string> log = await LogAsync(engine, new() { NoCache = true, ContextPath = server.Address + "/app.tar.gz" });
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { NoCache = true, ContextPath = unknown.Address + "/app.tar.gz" }, Cancellation);

        Assert.Contains(log, static l => l.Contains("said=https", StringComparison.Ordinal));
        Assert.Contains("certificate", failure.Message, StringComparison.Ordinal);
        authority.Dispose();
        stranger.Dispose();
    }

    private static ImageBuildRequest With(ContextFolder context, params (string Name, string Value)[] contexts) => new()
    {
        ContextPath = context.Path,
        NamedContexts = contexts.ToDictionary(static c => c.Name, static c => c.Value),
        NoCache = true,
    };

    private static async Task PackAsync(string folder, string archive, bool gzip)
    {
        await using FileStream file = File.Create(archive);
        if (!gzip)
        {
            await TarFile.CreateFromDirectoryAsync(folder, file, includeBaseDirectory: false, Cancellation);
            return;
        }

        await using GZipStream zip = new(file, CompressionLevel.Fastest);
        await TarFile.CreateFromDirectoryAsync(folder, zip, includeBaseDirectory: false, Cancellation);
    }

    private static async Task GitAsync(ContextFolder folder, params string[] arguments)
    {
        Dictionary<string, string?> environment = new() { ["GIT_CONFIG_GLOBAL"] = "/dev/null", ["GIT_CONFIG_NOSYSTEM"] = "1" };
        (await Command.RunAsync("git", ["-C", folder.Path, .. arguments], environment, Cancellation)).Succeeded();
    }
}
