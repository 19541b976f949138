using System.Formats.Tar;
using System.Text.Json;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Outputs;

/// <summary>Where a build's result goes, seen in the result.</summary>
public sealed class OutputTests(EngineFixture engines)
{
    private const string Dockerfile = """
        FROM scratch AS make
        COPY busybox /bin/busybox
        RUN ["/bin/busybox", "sh", "-c", "cd /; umask 022; /bin/busybox mkdir -p out/dir/empty out/dir-b; cd out; echo one > dir/one; echo two > dir-b/two; /bin/busybox chmod 750 dir; /bin/busybox chmod 4755 dir/one; /bin/busybox ln dir/one hard; /bin/busybox ln -s /etc/passwd link; /bin/busybox ln -s ../../up up; /bin/busybox mkfifo pipe; /bin/busybox dd if=/dev/zero of=big bs=1024 count=3000 2>/dev/null; /bin/busybox touch none -d '2001-02-03 04:05:06'"]
        FROM scratch
        COPY --from=make /out /
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task Local_WritesTheFiles(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Dockerfile);
        using ContextFolder place = new();
        place.Write("out/kept", "kept");
        place.Write("elsewhere/kept", "kept");
        File.CreateSymbolicLink(place.At("out/dir"), place.At("elsewhere"));

        await BuildRun.RunAsync(engine, Request(context, $"type=local,dest={place.At("out")}"), Cancellation);

        Assert.Equal("one\n", File.ReadAllText(place.At("out/dir/one")));
        Assert.Equal("two\n", File.ReadAllText(place.At("out/dir-b/two")));
        Assert.Equal("one\n", File.ReadAllText(place.At("out/hard")));
        Assert.Equal("kept", File.ReadAllText(place.At("out/kept")));
        Assert.Equal(3000 * 1024, new FileInfo(place.At("out/big")).Length);
        Assert.True(Directory.Exists(place.At("out/dir/empty")));
        Assert.Equal("/etc/passwd", new FileInfo(place.At("out/link")).LinkTarget);
        Assert.Equal("../../up", new FileInfo(place.At("out/up")).LinkTarget);
        Assert.Equal(new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc), File.GetLastWriteTimeUtc(place.At("out/none")));
        Assert.Equal(Convert.ToInt32("750", 8), (int)File.GetUnixFileMode(place.At("out/dir")));

        // Set-id bits would make programs of an engine's choice run as this user.
        Assert.Equal(Convert.ToInt32("755", 8), (int)File.GetUnixFileMode(place.At("out/dir/one")));

        // The link in the directory's place is gone, and nothing went to where it led.
        Assert.Null(new DirectoryInfo(place.At("out/dir")).LinkTarget);
        Assert.Equal(["kept"], Directory.GetFileSystemEntries(place.At("elsewhere")).Select(Path.GetFileName));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(place.At("out"), "*", SearchOption.AllDirectories), static p => p.Contains(".incoming", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData]
    public async Task Local_KeepsPlatformsApart(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY ${TARGETARCH} /arch\n");
        context.Write("amd64", "amd64");
        context.Write("arm64", "arm64");
        using ContextFolder place = new();
        ImageBuildRequest request = new()
        {
            ContextPath = context.Path,
            Platforms = ["linux/amd64", "linux/arm64"],
            Outputs = [BuildOutput.Parse(place.Path)],
        };

        await BuildRun.RunAsync(engine, request, Cancellation);

        Assert.Equal("amd64", File.ReadAllText(place.At("linux_amd64/arch")));
        Assert.Equal("arm64", File.ReadAllText(place.At("linux_arm64/arch")));
    }

    [Theory]
    [EngineData]
    public async Task Local_DeletesOnlyWhatIsConfirmedOrSaysThatItCannot(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY new /sub/new\n");
        context.Write("new", "new");
        using ContextFolder place = new();
        place.Write("outside/kept", "kept");
        place.Write("out/old/deep/file", "old");
        place.Write("out/sub/old", "old");
        File.CreateSymbolicLink(place.At("out/link"), place.At("outside"));
        List<string> asked = [];
        ImageBuildRequest Delete(bool answer) => new()
        {
            ContextPath = context.Path,
            Outputs = [BuildOutput.Parse($"type=local,mode=delete,dest={place.At("out")}")],
            ConfirmDelete = (directory, paths) =>
            {
                Assert.Equal(place.At("out"), directory);
                asked.AddRange(paths);
                return answer;
            },
        };

        try
        {
            await BuildRun.RunAsync(engine, Delete(false), Cancellation);
        }
        catch (ImageBuildException e)
        {
            Assert.Contains("mode=delete", e.Message, StringComparison.Ordinal);
            Assert.Empty(asked);
            Assert.False(File.Exists(place.At("out/sub/new")));
            Assert.True(File.Exists(place.At("out/sub/old")));
            return;
        }

        Assert.Equal(["link", "old", "old/deep", "old/deep/file", "sub/old"], asked.Order(StringComparer.Ordinal));
        Assert.True(File.Exists(place.At("out/old/deep/file")));
        await BuildRun.RunAsync(engine, Delete(true), Cancellation);
        Assert.Equal(["sub", "sub/new"], Directory.GetFileSystemEntries(place.At("out"), "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(place.At("out"), p)).Order(StringComparer.Ordinal));
        Assert.True(File.Exists(place.At("outside/kept")));
    }

    [Theory]
    [EngineData]
    public async Task Tar_WritesAnArchive(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Dockerfile);
        using ContextFolder place = new();
        place.Write("root.tar", "before");

        await BuildRun.RunAsync(engine, Request(context, $"type=tar,dest={place.At("root.tar")}"), Cancellation);

        Assert.Equal([place.At("root.tar")], Directory.GetFileSystemEntries(place.Path));
        List<string> names = [];
        await using FileStream file = File.OpenRead(place.At("root.tar"));
        await using TarReader reader = new(file);
        while (await reader.GetNextEntryAsync(cancellationToken: Cancellation) is { } entry)
        {
            names.Add(entry.Name.TrimEnd('/'));
        }

        Assert.Contains("dir/one", names);
        Assert.Contains("link", names);
    }

    [Theory]
    [EngineData]
    public async Task Archives_HoldTheImage(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nLABEL kind=archive\nCOPY busybox /bin/busybox\n");
        using ContextFolder place = new();
        foreach (string type in new[] { BuildOutput.Oci, BuildOutput.Docker })
        {
            string path = place.At(type + ".tar");
            ImageBuildResult result = await BuildRun.RunAsync(
                engine, new() { ContextPath = context.Path, Tags = ["ocbtest/archive:1"], Outputs = [new() { Type = type, Destination = path }] }, Cancellation);

            await using FileStream file = File.OpenRead(path);
            TarImage image = await TarImage.ReadAsync(file, Cancellation);
            Assert.Equal("archive", image.Config.GetProperty("config").GetProperty("Labels").GetProperty("kind").GetString());
            Assert.Contains("bin/busybox", image.Files.Keys);
            Assert.Contains("docker.io/ocbtest/archive:1", image.Index.ToString(), StringComparison.Ordinal);
            Assert.NotNull(result.Digest);
        }
    }

    [Theory]
    [EngineData]
    public async Task OciLayout_GoesIntoADirectory(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /bin/busybox\n");
        using ContextFolder place = new();
        BuildOutput output = new() { Type = BuildOutput.Oci, Destination = place.At("layout"), Attributes = new Dictionary<string, string> { ["tar"] = "false" } };

        ImageBuildResult first = await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = ["registry.test/a:1"], Outputs = [output] }, Cancellation);
        ImageBuildResult second = await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, Tags = ["registry.test/a:2"], Labels = new Dictionary<string, string> { ["n"] = "2" }, Outputs = [output] }, Cancellation);
        await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, Tags = ["registry.test/a:1"], Labels = new Dictionary<string, string> { ["n"] = "2" }, Outputs = [output] }, Cancellation);

        Assert.NotEqual(first.Digest, second.Digest);
        using JsonDocument index = JsonDocument.Parse(File.ReadAllBytes(place.At("layout/index.json")));
        Assert.DoesNotContain("\\u002", File.ReadAllText(place.At("layout/index.json")), StringComparison.Ordinal);
        Dictionary<string, string> names = index.RootElement.GetProperty("manifests").EnumerateArray().ToDictionary(
            static m => m.GetProperty("annotations").GetProperty("io.containerd.image.name").GetString()!, static m => m.GetProperty("digest").GetString()!);
        Assert.Equal(second.Digest, names["registry.test/a:2"]);
        Assert.Equal(second.Digest, names["registry.test/a:1"]);
        Assert.Contains("1.0.0", File.ReadAllText(place.At("layout/oci-layout")), StringComparison.Ordinal);
        foreach (string blob in Directory.GetFiles(place.At("layout/blobs/sha256")))
        {
            Assert.Equal(Path.GetFileName(blob), Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(blob))));
        }
    }

    [Theory]
    [EngineData]
    public async Task Compression_AndMediaTypesAreTheExporters(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        // A layer of its own: an engine gives the form it has to the next build that has the same layer, and other tests read gzip only.
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY unlike /unlike\n");
        context.Write("unlike", Guid.NewGuid().ToString());
        using ContextFolder place = new();
        async Task<JsonElement> ManifestAsync(string attributes)
        {
            string layout = place.At(Guid.NewGuid().ToString("n"));
            ImageBuildResult result = await BuildRun.RunAsync(
                engine, Request(context, $"type=oci,tar=false,dest={layout},force-compression=true,{attributes}"), Cancellation);
            JsonElement root = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(layout, "blobs", result.Digest!.Replace(':', '/')))).RootElement;
            return root.TryGetProperty("manifests", out JsonElement manifests)
                ? JsonDocument.Parse(File.ReadAllBytes(Path.Combine(layout, "blobs", manifests[0].GetProperty("digest").GetString()!.Replace(':', '/')))).RootElement
                : root;
        }

        static string Layer(JsonElement manifest) => manifest.GetProperty("layers")[0].GetProperty("mediaType").GetString()!;
        Assert.Equal("application/vnd.oci.image.layer.v1.tar+zstd", Layer(await ManifestAsync("compression=zstd")));
        Assert.Equal("application/vnd.oci.image.layer.v1.tar", Layer(await ManifestAsync("compression=uncompressed")));
        Assert.Equal("application/vnd.oci.image.layer.v1.tar+gzip", Layer(await ManifestAsync("compression=gzip")));
        JsonElement docker = await ManifestAsync("compression=gzip,oci-mediatypes=false");
        Assert.Equal("application/vnd.docker.image.rootfs.diff.tar.gzip", Layer(docker));
        Assert.Equal("application/vnd.docker.distribution.manifest.v2+json", docker.GetProperty("mediaType").GetString());
    }

    [Theory]
    [EngineData]
    public async Task SeveralOutputs_AtOnce(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        using ContextFolder place = new();
        string tag = BuildRun.NewTag("several");
        ImageBuildRequest request = new()
        {
            ContextPath = context.Path,
            Tags = [tag],
            Outputs =
            [
                new() { Type = BuildOutput.Image },
                BuildOutput.Parse($"type=oci,dest={place.At("image.tar")}"),
                BuildOutput.Parse($"type=tar,dest={place.At("root.tar")}"),
                BuildOutput.Parse($"type=local,dest={place.At("out")}"),
                BuildOutput.Parse($"type=oci,tar=false,dest={place.At("layout")}"),
            ],
        };

        ImageBuildResult result = await BuildRun.RunAsync(engine, request, Cancellation);

        Assert.StartsWith("sha256:", result.Digest, StringComparison.Ordinal);
        Assert.True(File.Exists(place.At("out/bin/busybox")));
        Assert.True(new FileInfo(place.At("root.tar")).Length > new FileInfo(place.At("out/bin/busybox")).Length);
        Assert.True(File.Exists(place.At("layout/index.json")));
        await using FileStream file = File.OpenRead(place.At("image.tar"));
        Assert.Contains("bin/busybox", (await TarImage.ReadAsync(file, Cancellation)).Files.Keys);
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task TheStore_HasTheImageBesideAnotherOutput(string name)
    {
        // Only a Docker Engine can be asked whether it has an image.
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        using ContextFolder place = new();
        string tag = BuildRun.NewTag("stored");
        BuildOutput[] outputs = [new() { Type = BuildOutput.Image }, BuildOutput.Parse($"type=oci,dest={place.At("image.tar")}")];

        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [tag], Outputs = outputs }, Cancellation);

        using DockerApi docker = new(engine);
        Assert.True(await docker.HasImageAsync(tag, Cancellation));
    }

    [Theory]
    [EngineData]
    public async Task APipe_TakesAnArchiveAndEndsWithTheBuild(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /bin/busybox\n");
        using ContextFolder broken = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"false\"]\n");
        using ContextFolder place = new();
        string pipe = place.At("pipe");
        (await Command.RunAsync("mkfifo", [pipe], cancellationToken: Cancellation)).Succeeded();
        async Task<MemoryStream> ReadAsync()
        {
            // Opening waits for the other end.
            await using FileStream from = await Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0), Cancellation);
            MemoryStream all = new();
            await from.CopyToAsync(all, Cancellation);
            all.Position = 0;
            return all;
        }

        Task<MemoryStream> reading = ReadAsync();
        await BuildRun.RunAsync(engine, Request(context, $"type=oci,dest={pipe}"), Cancellation);
        Assert.Contains("bin/busybox", (await TarImage.ReadAsync(await reading, Cancellation)).Files.Keys);

        // A build that fails ends the reader's wait as well.
        reading = ReadAsync();
        await BuildRun.FailAsync(engine, Request(broken, $"type=oci,dest={pipe}"), Cancellation);
        Assert.Equal(0, (await reading).Length);

        // Without a reader it waits, and can be stopped.
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        (BuildRun run, _) = BuildRun.WatchFor("\n");
        Task<ImageBuildResult> waiting = client.BuildAsync(Request(context, $"type=oci,dest={pipe}"), run, stop.Token);
        while (!run.Lines.Any(static l => l.Contains("exporting", StringComparison.Ordinal)))
        {
            await Task.Delay(20, Cancellation);
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
        Assert.Equal([pipe], Directory.GetFileSystemEntries(place.Path));
    }

    [Theory]
    [EngineData]
    public async Task AFailedBuild_LeavesNothing(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"false\"]\n");
        using ContextFolder place = new();
        place.Write("kept.tar", "kept");

        await BuildRun.FailAsync(engine, Request(context, $"type=oci,dest={place.At("kept.tar")}"), Cancellation);
        await BuildRun.FailAsync(engine, Request(context, $"type=oci,tar=false,dest={place.At("layout")}"), Cancellation);

        Assert.Equal([place.At("kept.tar")], Directory.GetFileSystemEntries(place.Path));
        Assert.Equal("kept", File.ReadAllText(place.At("kept.tar")));
    }

    [Theory]
    [EngineData]
    public async Task Limits_EndTheBuild(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(Dockerfile);
        using ContextFolder place = new();
        foreach ((ReceiveLimits limits, string output, string word) in new[]
        {
            (new ReceiveLimits { MaxFileBytes = 2_000_000 }, $"type=local,dest={place.At("a")}", "big"),
            (new ReceiveLimits { MaxTotalBytes = 2_000_000 }, $"type=local,dest={place.At("b")}", "2000000 bytes"),
            (new ReceiveLimits { MaxEntries = 3 }, $"type=local,dest={place.At("c")}", "3 entries"),
            (new ReceiveLimits { MaxPathBytes = 5 }, $"type=local,dest={place.At("d")}", "5 bytes"),
            (new ReceiveLimits { MaxFileBytes = 2_000_000 }, $"type=tar,dest={place.At("e.tar")}", "2000000 bytes"),
        })
        {
            (ImageBuildException failure, _) = await BuildRun.FailAsync(
                engine, new() { ContextPath = context.Path, Limits = limits, Outputs = [BuildOutput.Parse(output)] }, Cancellation);
            Assert.Equal(BuildFailureKind.OutputFailed, failure.Kind);
            Assert.Contains(word, failure.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(Directory.GetFileSystemEntries(place.Path, "*", SearchOption.AllDirectories), static p => p.Contains(".incoming", StringComparison.Ordinal));
        Assert.False(File.Exists(place.At("e.tar")));
    }

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task ImpossibleOutputs_AreRefusedBeforeTheBuild(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\n");
        using ContextFolder place = new();
        foreach (string output in new[]
        {
            "type=local", "type=oci", $"type=tar,dest={place.At("none/x.tar")}", $"type=oci,dest={place.Path}", $"type=image,dest={place.At("x")}",
            $"type=local,mode=move,dest={place.At("x")}", $"type=local,dest={context.At("Dockerfile")}", "type=image,push=true",
        })
        {
            (ImageBuildException failure, IReadOnlyList<string> log) = await BuildRun.FailAsync(engine, Request(context, output), Cancellation);
            Assert.Equal((output, BuildFailureKind.InvalidRequest), (output, failure.Kind));
            Assert.Empty(log);
        }

        Assert.Empty(Directory.GetFileSystemEntries(place.Path));
    }

    private static ImageBuildRequest Request(ContextFolder context, string output) => new() { ContextPath = context.Path, Outputs = [BuildOutput.Parse(output)] };
}
