using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests;

/// <summary>The fixture itself: its engines build, with the peer client, and its image reader reads what they built.</summary>
public sealed class FixtureTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task Engine_BuildsAndItsImageIsRead(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch AS base
            COPY busybox /bin/busybox
            COPY data /data/
            RUN ["/bin/busybox", "sh", "-c", "bb=/bin/busybox; $bb rm /data/gone && $bb chmod 4751 /data/kept && $bb ln -s kept /data/link && echo replaced > /data/file"]
            FROM base
            LABEL purpose=fixture
            """);
        context.Write("data/gone", "gone");
        context.Write("data/kept", "kept");
        context.Write("data/file", "first");
        using PeerClient peer = await PeerClient.CreateAsync(engine);
        string tag = "fixture/reader:" + Guid.NewGuid().ToString("n")[..8];

        await peer.RunAsync(Cancellation, "build", "--progress", "plain", "--tag", tag, context.Path);

        using DockerApi docker = new(engine);
        Assert.True(await docker.HasImageAsync(tag, Cancellation));
        TarImage image = await docker.ReadImageAsync(tag, Cancellation);
        Assert.Equal("fixture", image.Config.GetProperty("config").GetProperty("Labels").GetProperty("purpose").GetString());
        Assert.DoesNotContain("data/gone", image.Files);
        Assert.Equal("4751", image.Files["data/kept"].Octal);
        Assert.Equal((TarEntryType.SymbolicLink, "kept"), (image.Files["data/link"].Type, image.Files["data/link"].LinkName));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("replaced\n"u8)), image.Files["data/file"].Sha256);
        byte[] busybox = await File.ReadAllBytesAsync(context.At("busybox"), Cancellation);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(busybox)), image.Files["bin/busybox"].Sha256);
        Assert.Equal(busybox.Length, image.Files["bin/busybox"].Size);

        await docker.RemoveImageAsync(tag, Cancellation);
        Assert.False(await docker.HasImageAsync(tag, Cancellation));
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Containerd_AnswersItsOwnClient(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        (string program, IReadOnlyList<string> arguments) =
            EngineScript.Inside(engine, "ctr", "--address", engine.ContainerdSocket!, "version");

        CommandResult result = await Command.RunAsync(program, arguments, cancellationToken: Cancellation);

        string server = result.Succeeded()[result.Output.IndexOf("Server:", StringComparison.Ordinal)..];
        Assert.Contains(name == EngineNames.Containerd1 ? "Version:  1.7" : "Version:  2.", server, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PrivateEngine_KilledLeavesNothing()
    {
        await using PrivateEngine own = await EngineFixture.StartPrivateAsync(EngineNames.Docker28);
        using (DockerApi docker = new(own.Engine))
        {
            string version = (await docker.GetVersionAsync(Cancellation)).GetProperty("Version").GetString()!;
            Assert.InRange(int.Parse(version.Split('.')[0], CultureInfo.InvariantCulture), 28, int.MaxValue);
        }

        await own.KillAsync();

        Assert.False(Directory.Exists(own.Engine.Folder));
        using DockerApi gone = new(own.Engine);
        await Assert.ThrowsAsync<HttpRequestException>(() => gone.GetVersionAsync(Cancellation));
    }
}
