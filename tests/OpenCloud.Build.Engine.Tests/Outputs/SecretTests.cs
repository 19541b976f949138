using System.Diagnostics;
using System.Security;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Outputs;

/// <summary>Secrets and SSH agents, seen by the steps that use them.</summary>
public sealed class SecretTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task Secrets_ReachTheirStepsAndNothingElse(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch AS make
            COPY busybox /bin/busybox
            RUN --mount=type=secret,id=file --mount=type=secret,id=env --mount=type=secret,id=secure,required=true --mount=type=secret,id=none ["/bin/busybox", "sh", "-c", "cd /run/secrets; /bin/busybox sha256sum file env secure > /sums; /bin/busybox ls > /names"]
            FROM scratch
            COPY --from=make /sums /names /
            """);
        using ContextFolder place = new();
        byte[] large = new byte[BuildSecret.MaxSize];
        new Random(1).NextBytes(large);
        place.Write("secret", large);
        Environment.SetEnvironmentVariable("OCB_TEST_SECRET", "from the environment ✓");
        using SecureString secure = new();
        foreach (char c in "sicher")
        {
            secure.AppendChar(c);
        }

        await BuildRun.RunAsync(
            engine,
            new()
            {
                ContextPath = context.Path,
                NoCache = true,
                Outputs = [BuildOutput.Parse(place.At("out"))],
                Secrets = new Dictionary<string, BuildSecret>
                {
                    ["file"] = BuildSecret.FromFile(place.At("secret")),
                    ["env"] = BuildSecret.FromEnvironment("OCB_TEST_SECRET"),
                    ["secure"] = BuildSecret.FromSecureString(secure),
                },
            },
            Cancellation);

        static string Sum(byte[] content) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));
        Assert.Equal(
            $"{Sum(large)}  file\n{Sum("from the environment ✓"u8.ToArray())}  env\n{Sum("sicher"u8.ToArray())}  secure\n",
            File.ReadAllText(place.At("out/sums")));
        Assert.Equal("env\nfile\nsecure\n", File.ReadAllText(place.At("out/names")));
    }

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task Secrets_ThatAreNotThereFailBeforeTheBuild(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\n");
        context.Write("large", new string('x', BuildSecret.MaxSize + 1));
        foreach (BuildSecret secret in new[] { BuildSecret.FromFile(context.At("none")), BuildSecret.FromEnvironment("OCB_TEST_NONE"), BuildSecret.FromFile(context.At("large")) })
        {
            (ImageBuildException failure, IReadOnlyList<string> log) = await BuildRun.FailAsync(
                engine, new() { ContextPath = context.Path, Secrets = new Dictionary<string, BuildSecret> { ["token"] = secret } }, Cancellation);
            Assert.Equal(BuildFailureKind.InvalidRequest, failure.Kind);
            Assert.Contains("'token'", failure.Message, StringComparison.Ordinal);
            Assert.Empty(log);
        }
    }

    [Theory]
    [EngineData]
    public async Task Ssh_ListsAndSignsAndDoesNothingElse(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder keys = await NewKeysAsync();
        string[] list = await UseAsync(engine, keys, "id=mine", new() { Id = "mine", Paths = [keys.At("one"), keys.At("two")] });
        Assert.Equal(2, list.Length);
        Assert.EndsWith("one (ED25519)", list[0], StringComparison.Ordinal);
        Assert.EndsWith("two (RSA)", list[1], StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task Ssh_DefaultIsTheAgentOfTheEnvironment(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder keys = await NewKeysAsync();
        ProcessStartInfo start = new("ssh-agent", ["-D", "-a", keys.At("agent")]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process agent = Process.Start(start)!;
        string? before = Environment.GetEnvironmentVariable("SSH_AUTH_SOCK");
        try
        {
            // It says where it listens when it does.
            Assert.Contains("SSH_AUTH_SOCK", await agent.StandardOutput.ReadLineAsync(Cancellation), StringComparison.Ordinal);
            Dictionary<string, string?> environment = new() { ["SSH_AUTH_SOCK"] = keys.At("agent") };
            (await Command.RunAsync("ssh-add", ["-q", keys.At("one"), keys.At("two")], environment, Cancellation)).Succeeded();
            Environment.SetEnvironmentVariable("SSH_AUTH_SOCK", keys.At("agent"));

            string[] list = await UseAsync(engine, keys, "required=true", SshForward.Parse("default"));

            // The user's own agent says the same afterwards: nothing that the steps tried has changed it.
            Assert.Equal(2, list.Length);
            string own = (await Command.RunAsync("ssh-add", ["-l"], environment, Cancellation)).Succeeded();
            Assert.Equal(list, own.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            Environment.SetEnvironmentVariable("SSH_AUTH_SOCK", before);
            agent.Kill();
            await agent.WaitForExitAsync(Cancellation);
        }
    }

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task Ssh_ThatIsNotThereFailsBeforeTheBuild(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox /\n");
        (await Command.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "a passphrase", "-f", context.At("locked")], cancellationToken: Cancellation)).Succeeded();
        foreach (string path in new[] { "locked", "none", "Dockerfile" })
        {
            (ImageBuildException failure, IReadOnlyList<string> log) = await BuildRun.FailAsync(
                engine, new() { ContextPath = context.Path, Ssh = [new() { Paths = [context.At(path)] }] }, Cancellation);
            Assert.Equal(BuildFailureKind.InvalidRequest, failure.Kind);
            Assert.Contains(context.At(path), failure.Message, StringComparison.Ordinal);
            Assert.Empty(log);
        }
    }

    private static async Task<ContextFolder> NewKeysAsync()
    {
        ContextFolder keys = new();
        (await Command.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "one", "-f", keys.At("one")], cancellationToken: Cancellation)).Succeeded();
        (await Command.RunAsync("ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "two", "-f", keys.At("two")], cancellationToken: Cancellation)).Succeeded();
        return keys;
    }

    /// <summary>
    /// The machine's own ssh-add, with its libraries, speaks with the agent from inside a step: it lists, tests signatures, and may not remove.
    /// </summary>
    /// <returns>What it listed.</returns>
    private static async Task<string[]> UseAsync(RunningEngine engine, ContextFolder keys, string mount, SshForward forward)
    {
        using ContextFolder context = await ContextFolder.CreateAsync($"""
            FROM scratch AS make
            COPY root /
            COPY busybox /bin/busybox
            COPY one.pub two.pub /
            RUN --mount=type=ssh,{mount} ["/bin/busybox", "sh", "-ec", "/usr/bin/ssh-add -l > /list; /usr/bin/ssh-add -T /one.pub /two.pub; ! /usr/bin/ssh-add -D; ! /usr/bin/ssh-add -d /one.pub; /usr/bin/ssh-add -l > /again"]
            FROM scratch
            COPY --from=make /list /again /
            """);
        context.Write("root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        string libraries = (await Command.RunAsync("ldd", ["/usr/bin/ssh-add"], cancellationToken: Cancellation)).Succeeded();
        foreach (string file in libraries.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Where(static w => w.StartsWith('/')).Append("/usr/bin/ssh-add"))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(context.At("root" + file))!);
            File.Copy(file, context.At("root" + file), overwrite: true);
        }

        File.Copy(keys.At("one.pub"), context.At("one.pub"));
        File.Copy(keys.At("two.pub"), context.At("two.pub"));
        using ContextFolder place = new();

        await BuildRun.RunAsync(
            engine, new() { ContextPath = context.Path, NoCache = true, Ssh = [forward], Outputs = [BuildOutput.Parse(place.At("out"))] }, Cancellation);

        string[] list = File.ReadAllLines(place.At("out/list"));
        Assert.Equal(list, File.ReadAllLines(place.At("out/again")));
        return list;
    }
}
