using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Files of addresses that an engine fetches and that are read without a build.</summary>
public sealed class RemoteFileTests(EngineFixture engines)
{
    private static readonly string[] Usual = ["compose.yaml", "docker-bake.hcl", "docker-bake.json"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task FilesOfARepository_AreRead(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder served = new();
        using ContextFolder work = new();
        work.Write("docker-bake.hcl", "one");
        work.Write("docker-bake.json", "two");
        work.Write("sub/docker-bake.hcl", "three");
        work.Write("sub/a [b]*$HOME.hcl", "four");
        work.Write("large", new string('x', 3000));
        await GitAsync(work, "init", "-q", "-b", "trunk");
        await GitAsync(work, "add", ".");
        await GitAsync(work, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "one");
        await GitAsync(work, "clone", "-q", "--bare", work.Path, served.At("app.git"));
        await using EngineServer server = await EngineServer.GitAsync(engine, served.Path);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        string url = $"git://127.0.0.1:{server.Port}/app.git";

        Assert.Equal("docker-bake.hcl=one docker-bake.json=two", await ReadAsync(client, url + "#trunk"));
        Assert.Equal("docker-bake.hcl=three", await ReadAsync(client, url + "#trunk:sub"));
        Assert.Equal("sub/a [b]*$HOME.hcl=four docker-bake.hcl=one", await ReadAsync(client, url, "sub/a [b]*$HOME.hcl", "docker-bake.hcl"));
        await RefusedAsync(client, url, "'nothing.hcl'", "nothing.hcl");
        await RefusedAsync(client, url, "not a file", "sub");
        await RefusedAsync(client, url, "2048 bytes", "large");
        await RefusedAsync(client, $"git://127.0.0.1:{server.Port}/none.git", string.Empty, "x");
        await Assert.ThrowsAsync<ArgumentException>(() => ReadAsync(client, url, "../x"));
        await Assert.ThrowsAsync<ArgumentException>(() => ReadAsync(client, "/etc", "x"));
    }

    [Theory]
    [EngineData]
    public async Task ArchivesAndFilesOverHttp_AreRead(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder served = new();
        using ContextFolder work = new();
        work.Write("docker-bake.hcl", "in " + name);
        await PackAsync("app.tgz");

        // What the context of a single file has, too.
        work.Write("context", "a file of " + name);
        await PackAsync("file.tgz");
        File.Delete(work.At("context"));
        File.Delete(work.At("docker-bake.hcl"));
        work.Write("context/Dockerfile", "FROM scratch");
        await PackAsync("folder.tgz");
        served.Write("my.hcl", "alone " + name);
        using FolderServer server = FolderServer.Start(engine, served.Path);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        string url = server.Address;

        Assert.Equal($"docker-bake.hcl=in {name}", await ReadAsync(client, url + "/app.tgz"));
        Assert.Equal($"! my.hcl=alone {name}", await ReadAsync(client, url + "/my.hcl"));
        await RefusedAsync(client, url + "/app.tgz", "'other.hcl'", "other.hcl");
        await RefusedAsync(client, url + "/file.tgz", "'other.hcl'", "docker-bake.hcl", "other.hcl", "another.hcl");
        Assert.Empty(await ReadAsync(client, url + "/folder.tgz"));
        await RefusedAsync(client, url + "/folder.tgz", "'other.hcl'", "other.hcl");
        await RefusedAsync(client, url + "/none.hcl", "404", "x");

        async Task PackAsync(string archive)
        {
            await using FileStream file = File.Create(served.At(archive));
            await using GZipStream zip = new(file, CompressionLevel.Fastest);
            await TarFile.CreateFromDirectoryAsync(work.Path, zip, includeBaseDirectory: false, Cancellation);
        }
    }

    private static async Task<string> ReadAsync(BuildKitClient client, string address, params string[] names)
    {
        RemoteFiles read = await client.ReadRemoteFilesAsync(new() { Address = address, Names = names, DefaultNames = Usual, MaxBytes = 2048 }, Cancellation);
        return (read.IsSingleFile ? "! " : string.Empty) + string.Join(' ', read.Files.Select(static f => $"{f.Name}={Encoding.UTF8.GetString(f.Content.Span)}"));
    }

    private static async Task RefusedAsync(BuildKitClient client, string address, string word, params string[] names)
    {
        ImageBuildException refused = await Assert.ThrowsAsync<ImageBuildException>(() => ReadAsync(client, address, names));
        Assert.True(refused.Message.Contains(word, StringComparison.Ordinal), refused.Message);
    }

    private static async Task GitAsync(ContextFolder folder, params string[] arguments)
    {
        Dictionary<string, string?> environment = new() { ["GIT_CONFIG_GLOBAL"] = "/dev/null", ["GIT_CONFIG_NOSYSTEM"] = "1" };
        (await Command.RunAsync("git", ["-C", folder.Path, .. arguments], environment, Cancellation)).Succeeded();
    }
}
