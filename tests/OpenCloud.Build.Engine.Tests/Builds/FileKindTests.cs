using System.Formats.Tar;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Every kind of file goes through the session and comes out of the image as it went in.</summary>
public sealed partial class FileKindTests(EngineFixture engines)
{
    private static readonly DateTimeOffset OldTime = new(2001, 2, 3, 4, 5, 6, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task EveryKind_ArrivesAsItIs(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY tree /tree/\n");
        context.Write("tree/plain", "plain", "644");
        context.Write("tree/empty", string.Empty, "600");
        context.Write("tree/run", "#!/bin/sh\n", "755");
        context.Write("tree/setuid", "s", "4755");
        context.Write("tree/setgid", "s", "2711");
        context.Write("tree/nothing", "no one may read it", "0");
        context.Write("tree/grüße-日本-🙂", "names are bytes");
        context.Write("tree/with space and\ttab \"quotes\" 'n' \\back%41", "odd");
        context.Write("tree/sub/deep/er/file", "deep");
        context.Write("tree/sub-sorts-before-slash", "order");
        context.Write("tree/sub.dot", "order");
        byte[] large = RandomNumberGenerator.GetBytes((3 << 20) + 17);
        context.Write("tree/large", large);
        Directory.CreateDirectory(context.At("tree/empty-dir"));
        Directory.CreateDirectory(context.At("tree/sticky"));
        File.SetUnixFileMode(context.At("tree/sticky"), (UnixFileMode)Convert.ToInt32("1777", 8));
        File.CreateSymbolicLink(context.At("tree/link"), "plain");
        File.CreateSymbolicLink(context.At("tree/dangling"), "/no/such/place");
        File.CreateSymbolicLink(context.At("tree/dirlink"), "sub/deep");
        await Run("ln", context.At("tree/plain"), context.At("tree/plain-again"));
        await Run("mkfifo", context.At("tree/fifo"));
        await Run("truncate", "-s", "5000000", context.At("tree/sparse"));
        using (Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(context.At("tree/socket")));
            File.SetLastWriteTimeUtc(context.At("tree/run"), OldTime.UtcDateTime);
            string tag = BuildRun.NewTag("kinds");

            ImageBuildResult result = await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [tag] }, Cancellation);

            using DockerApi docker = new(engine);
            TarImage image = await docker.ReadImageAsync(tag, Cancellation);
            Compare(context.Path, image);
            Assert.Equal("0", image.Files["tree/nothing"].Octal);
            Assert.Equal("4755", image.Files["tree/setuid"].Octal);
            Assert.Equal("2711", image.Files["tree/setgid"].Octal);
            Assert.Equal("1777", image.Files["tree/sticky"].Octal);
            Assert.Equal((TarEntryType.SymbolicLink, "/no/such/place"), (image.Files["tree/dangling"].Type, image.Files["tree/dangling"].LinkName));
            Assert.Equal(TarEntryType.Fifo, image.Files["tree/fifo"].Type);
            Assert.Equal(OldTime, image.Files["tree/run"].ModificationTime);
            Assert.Equal(5000000, image.Files["tree/sparse"].Size);
            Assert.Contains(image.Files.Values, static f => f.Type == TarEntryType.HardLink);
            Assert.InRange(result.BytesSent, large.Length + 5000000, large.Length + 5001000);
        }
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task ExtendedAttributes_EndAsWithDockersOwnClient(string name)
    {
        // What is sent of them is tested byte by byte elsewhere; what a COPY keeps of them is the daemon's decision.
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY f /f\n");
        context.Write("f", "x");
        byte[] capability = Convert.FromHexString("0100000200040000000000000000000000000000");
        SetAttributeOrSkip(context.At("f"), "security.capability", capability);
        SetAttributeOrSkip(context.At("f"), "user.note", "hello"u8);
        string ours = BuildRun.NewTag("xattr");
        string theirs = BuildRun.NewTag("xattr");

        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [ours] }, Cancellation);
        using PeerClient peer = await PeerClient.CreateAsync(engine);
        await peer.RunAsync(Cancellation, "build", "--no-cache", "--tag", theirs, context.Path);

        using DockerApi docker = new(engine);
        TarImage own = await docker.ReadImageAsync(ours, Cancellation);
        TarImage other = await docker.ReadImageAsync(theirs, Cancellation);
        Assert.Equal(
            other.Files["f"].ExtendedAttributes.Where(static a => a.Key.StartsWith("SCHILY.xattr", StringComparison.Ordinal)),
            own.Files["f"].ExtendedAttributes.Where(static a => a.Key.StartsWith("SCHILY.xattr", StringComparison.Ordinal)));
    }

    [Theory]
    [EngineData]
    public async Task NamesThatAreNotUtf8_ArriveByteForByte(string name)
    {
        // .NET cannot name such a file: the shell makes it, and the engine's own shell says what arrived.
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /bin/busybox
            COPY names /names
            RUN ["/bin/busybox", "sh", "-c", "cd /names && for f in *; do /bin/busybox echo \"name$(/bin/busybox printf %s \"$f\" | /bin/busybox od -An -tx1) holds $(/bin/busybox cat \"$f\")\"; done"]
            """);
        Directory.CreateDirectory(context.At("names"));
        await Run("sh", "-c", "cd \"$1\" && printf latin1 > \"$(printf 'caf\\351')\" && printf bytes > \"$(printf 'x\\377\\376y')\"", "sh", context.At("names"));

        (BuildRun run, _) = BuildRun.WatchFor("no such line");
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        Exception? failure = await Record.ExceptionAsync(() => client.BuildAsync(new() { ContextPath = context.Path, NoCache = true }, run, Cancellation));

        // Nor can .NET remove it.
        await Run("rm", "-r", context.At("names"));
        if (name == EngineNames.Docker28)
        {
            // Its messages' strings are checked, whoever sends them; the error has to say which names are meant.
            ImageBuildException refused = Assert.IsType<ImageBuildException>(failure);
            Assert.True(refused.Kind == BuildFailureKind.ContextFailed, $"{refused.Kind}: {refused} {refused.InnerException}");
            Assert.Contains("not valid UTF-8", refused.Message, StringComparison.Ordinal);
            return;
        }

        Assert.Null(failure);
        Assert.Contains(run.Lines, static l => l.EndsWith("name 63 61 66 e9 holds latin1", StringComparison.Ordinal));
        Assert.Contains(run.Lines, static l => l.EndsWith("name 78 ff fe 79 holds bytes", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task IgnoreRules_DecideAsDockersOwnClientDoes(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY . /\n");
        context.Write(".dockerignore", """
            # a comment
            **/node_modules
            *.log
            !important.log
            docs/*
            !docs/keep/
            /rooted
            a?c
            [x-z]*
            sub/**/tmp
            trailing/ 
            !sub/keep/tmp/file
            .dockerignore
            """);
        foreach (string file in new[]
        {
            "a.log", "important.log", "dir/a.log", "docs/a", "docs/keep/b", "docs/other/c", "rooted", "dir/rooted", "abc", "abbc", "xyz", "y/z",
            "node_modules/m", "p/q/node_modules/m/n", "sub/tmp", "sub/a/tmp", "sub/a/b/tmp/file", "sub/keep/tmp/file", "trailing/t", "kept/t",
            "Üx", "dir/deep/er/f",
        })
        {
            context.Write(file, file);
        }

        string ours = BuildRun.NewTag("ignore");
        string theirs = BuildRun.NewTag("ignore");
        await BuildRun.RunAsync(engine, new() { ContextPath = context.Path, Tags = [ours] }, Cancellation);
        using PeerClient peer = await PeerClient.CreateAsync(engine);
        await peer.RunAsync(Cancellation, "build", "--no-cache", "--tag", theirs, context.Path);

        using DockerApi docker = new(engine);
        TarImage own = await docker.ReadImageAsync(ours, Cancellation);
        TarImage other = await docker.ReadImageAsync(theirs, Cancellation);
        Assert.Equal(other.Files.Keys, own.Files.Keys);
        Assert.Equal(other.Files.Values.Select(static f => (f.Path, f.Type, f.Octal, f.Sha256)), own.Files.Values.Select(static f => (f.Path, f.Type, f.Octal, f.Sha256)));
        Assert.Contains("important.log", own.Files);
        Assert.DoesNotContain("a.log", own.Files);
    }

    /// <summary>Compares the image's <c>tree</c> with the directory on disk, entry by entry and both ways.</summary>
    private static void Compare(string context, TarImage image)
    {
        List<string> problems = [];
        HashSet<string> expected = [];
        Dictionary<string, string> links = [];
        foreach (string path in Directory.EnumerateFileSystemEntries(Path.Combine(context, "tree"), "*", SearchOption.AllDirectories).Prepend(Path.Combine(context, "tree")))
        {
            string relative = Path.GetRelativePath(context, path);
            if (relative.StartsWith("tree/dirlink/", StringComparison.Ordinal))
            {
                // .NET's enumeration follows the link.
                continue;
            }

            FileSystemInfo info = Directory.Exists(path) && new FileInfo(path).LinkTarget is null ? new DirectoryInfo(path) : new FileInfo(path);
            if (relative == "tree/socket" && !image.Files.ContainsKey(relative))
            {
                // A socket is listed without its type bit and cannot be made on the other side; older daemons drop it.
                continue;
            }

            expected.Add(relative);
            if (!image.Files.TryGetValue(relative, out TarImageEntry? entry))
            {
                problems.Add($"{relative}: missing");
                continue;
            }

            if (entry.Type != TarEntryType.HardLink && relative != "tree/socket" && info.LinkTarget is null
                && Convert.ToString((int)info.UnixFileMode, 8) != entry.Octal)
            {
                problems.Add($"{relative}: mode {Convert.ToString((int)info.UnixFileMode, 8)} became {entry.Octal}");
            }

            if ((entry.Uid, entry.Gid) != (0, 0))
            {
                problems.Add($"{relative}: owner {entry.Uid}:{entry.Gid}");
            }

            if (info.LinkTarget != (entry.Type == TarEntryType.SymbolicLink ? entry.LinkName : null))
            {
                problems.Add($"{relative}: link {info.LinkTarget} became {entry.LinkName}");
            }

            if (entry.Type is TarEntryType.RegularFile or TarEntryType.V7RegularFile && relative != "tree/socket")
            {
                using FileStream file = File.OpenRead(path);
                if (Convert.ToHexStringLower(SHA256.HashData(file)) != entry.Sha256)
                {
                    problems.Add($"{relative}: content differs");
                }
            }
        }

        problems.AddRange(image.Files.Keys.Where(k => k.StartsWith("tree", StringComparison.Ordinal) && !expected.Contains(k)).Select(static k => k + ": not expected"));
        Assert.Empty(problems);
    }

    private static void SetAttributeOrSkip(string path, string name, ReadOnlySpan<byte> value)
    {
        // EPERM and EOPNOTSUPP (errno-base.h, errno.h): who we are, and the file system.
        int error = SetAttribute(path, name, value, (nuint)value.Length, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
        Assert.SkipWhen(error is 1 or 95, "no extended attributes can be set here");
        Assert.Equal(0, error);
    }

    [LibraryImport("libc", EntryPoint = "setxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetAttribute(string path, string name, ReadOnlySpan<byte> value, nuint size, int flags);

    private static async Task Run(string program, params string[] arguments)
        => (await Command.RunAsync(program, arguments, cancellationToken: Cancellation)).Succeeded();
}
