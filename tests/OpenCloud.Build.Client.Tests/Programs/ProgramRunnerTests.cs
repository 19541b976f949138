using System.Diagnostics;
using System.Globalization;
using System.Text;
using OpenCloud.Build.Linux.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Programs;

public sealed class ProgramRunnerTests
{
    private static readonly Dictionary<string, string> Environment = new() { ["PATH"] = ProgramFinder.SystemPath };

    [Fact]
    public async Task WhatAProgramSaysAndIsGiven_IsPassedOn()
    {
        ProgramResult result = await Run(Shell("cat; printf '%s|' \"$@\" >&2; exit 7", "two words", "\"quo'ted\\\\\"", "") with { Input = Encoding.UTF8.GetBytes("in\0put") });
        Assert.Equal(new ProgramResult(7, "in\0put", "two words|\"quo'ted\\\\\"||", false), result);
    }

    [Fact]
    public async Task Input_EndsAtOnceWhenThereIsNone() => Assert.Equal("0\n", (await Run(Shell("wc -c"))).Output);

    [Fact]
    public async Task Input_NeedsNoReader() => Assert.Equal(0, (await Run(Shell("exec true") with { Input = new byte[4 << 20] })).ExitCode);

    [Fact]
    public async Task Environment_IsWhatIsGivenAndNothingElse()
    {
        ProgramCommand command = new(ProgramFinder.InSystem("env")!, [], new Dictionary<string, string> { ["A"] = "b c", ["EMPTY"] = "" });
        Assert.Equal("A=b c\nEMPTY=\n", (await Run(command)).Output);
    }

    [Fact]
    public async Task Program_RunsAtTheRootAndLeadsASession()
    {
        string[] words = (await Run(Shell("pwd; echo $$; cut -d' ' -f5,6 /proc/$$/stat"))).Output.Split((char[])[' ', '\n']);
        Assert.Equal("/", words[0]);
        Assert.Equal([words[1], words[1]], words[2..4]);
    }

    [Fact]
    public async Task Output_IsReadToTheEndAndKeptWithinItsLimit()
    {
        ProgramResult result = await Run(Shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2") with { OutputLimit = 100_000 });
        Assert.True(result.IsTruncated);
        Assert.Equal(100_000, result.Output.Length);
        Assert.Equal("end\n", result.Error);
    }

    [Fact]
    public async Task Timeout_KillsTheGroupToo()
    {
        // The shell ends, what it left in the background keeps the pipes open.
        using ProgramFolder folder = new();
        string file = Path.Join(folder.Path, "pid");
        long start = Stopwatch.GetTimestamp();
        ProgramCommand command = Shell($"sleep 300 & echo $! > '{file}'") with { Timeout = TimeSpan.FromSeconds(1) };
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(() => Run(command));
        Assert.Contains("1 s", late.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60));
        await GoneAsync(file);
    }

    [Fact]
    public async Task Cancellation_KillsTheGroup()
    {
        using ProgramFolder folder = new();
        string file = Path.Join(folder.Path, "pid");
        using CancellationTokenSource stop = new();
        Task<ProgramResult> running = ProgramRunner.RunAsync(Shell($"sleep 300 & echo $! > '{file}.new'; mv '{file}.new' '{file}'; wait"), stop.Token);
        while (!File.Exists(file))
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await GoneAsync(file);
    }

    [Fact]
    public async Task WhoLeftTheGroupAndKeepsAPipe_IsNotWaitedFor()
    {
        using ProgramFolder folder = new();
        string file = Path.Join(folder.Path, "pid");
        try
        {
            ProgramCommand command = Shell($"setsid sh -c 'echo $$ > {file}; exec sleep 300' & exit 0") with { Timeout = TimeSpan.FromSeconds(1) };
            await Assert.ThrowsAsync<TimeoutException>(() => Run(command)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }
        finally
        {
            ProgramFolder.Run("kill", (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Trim());
        }
    }

    [Fact]
    public async Task WhatCannotBeStarted_IsAnError()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Run(new ProgramCommand("sh", [], Environment)));
        ProgramResult missing = await Run(new ProgramCommand("/nowhere/program", [], Environment));
        Assert.Equal(127, missing.ExitCode);
        Assert.Contains("/nowhere/program", missing.Error, StringComparison.Ordinal);
        await Assert.ThrowsAsync<IOException>(() => Run(Shell("true") with { Folder = "/nowhere" }));
    }

    [Fact]
    public async Task RunningProgram_IsAskedToEndFirst()
    {
        List<string> lines = [];
        TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ProgramCommand command = Shell("trap 'echo asked; exit 3' TERM; printf 'ready\\n%050d\\n' 1; while :; do sleep 0.05; done") with { OutputLimit = 20 };
        RunningProgram program = RunningProgram.Start(command, line =>
        {
            lock (lines)
            {
                lines.Add(line);
            }

            ready.TrySetResult();
        });
        await using (program)
        {
            await ready.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            Assert.False(program.Ended.IsCompleted);
            await program.StopAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(3, await program.Completion);
            Assert.Equal(["ready", new string('0', 20), "asked"], lines);
        }
    }

    [Fact]
    public async Task RunningProgram_ThatDoesNotEndIsKilled()
    {
        RunningProgram program = RunningProgram.Start(Shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"), static _ => { });
        await program.StopAsync(TimeSpan.FromMilliseconds(200));
        Assert.True(program.Ended.IsCompleted);
    }

    [Fact]
    public void AllowList_LetsNothingElseThrough()
    {
        Dictionary<string, string> some = ProgramEnvironment.Allowed(proxies: true);
        Assert.Subset(
            new HashSet<string>(["PATH", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "LC_ALL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"]),
            some.Keys.ToHashSet());
        Assert.Equal(["HOME", "LC_ALL", "LOGNAME", "PATH", "USER", "XDG_RUNTIME_DIR"], ProgramEnvironment.Of("u", "/home/u", "/run/user/1").Keys.Order());
    }

    private static ProgramCommand Shell(string script, params string[] arguments) => new(ProgramFinder.InSystem("sh")!, ["-c", script, "sh", .. arguments], Environment);

    private static Task<ProgramResult> Run(ProgramCommand command) => ProgramRunner.RunAsync(command, TestContext.Current.CancellationToken);

    // A killed process stays as a zombie until its parent, or who adopted it, asks; here that may be nobody.
    private static async Task GoneAsync(string file)
    {
        int pid = int.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), CultureInfo.InvariantCulture);
        for (long start = Stopwatch.GetTimestamp(); File.Exists($"/proc/{pid}/stat") && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), $"{pid} still runs");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
