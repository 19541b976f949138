using System.Diagnostics;
using Xunit;
using Xunit.Sdk;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>A skip is a claim that this machine cannot: a fixture that is broken fails the tests that need it.</summary>
public sealed class FixtureScriptTests
{
    // What xunit knows a skip by.
    private const string SkipToken = "$XunitDynamicSkip$";

    [Fact]
    public void AMachineThatCannot_SkipsWithTheReason()
    {
        // Assertions on exceptions let a skip pass.
        string? message = null;
        try
        {
            Shell("echo no such thing here >&2; exit 3").Require();
        }
        catch (Exception skip) when (skip.Message.StartsWith(SkipToken, StringComparison.Ordinal))
        {
            message = skip.Message[SkipToken.Length..];
        }

        Assert.Equal("no such thing here", message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    [InlineData(137)]
    public void ABrokenFixture_Fails(int code)
    {
        XunitException failure = Assert.ThrowsAny<XunitException>(() => Shell($"echo broken >&2; exit {code}").Require());
        Assert.Contains($"a fixture failed with exit code {code}: broken", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(SkipToken, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatAFixtureGives_IsTaken() => Assert.Equal("given\n", Shell("echo given; echo said >&2").Require());

    /// <summary>Each fixture answers 3 to a user who is not root: the one thing that this machine lets a user be refused for.</summary>
    [Theory]
    [InlineData("engine", "check")]
    [InlineData("host-bed", "needs")]
    [InlineData("guest-bed", "needs")]
    public void WithoutRoot_EachFixtureSaysThatThisMachineCannot(string fixture, string verb)
    {
        // A copy: a user need not be able to read the checkout.
        using FixtureCopy copy = new();
        CommandResult answer = copy.RunAsNobody(fixture, verb);
        Assert.True(answer.ExitCode == 3, answer.Error);
        Assert.Contains("root", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("engine", "up", "no-such-engine")]
    [InlineData("host-bed", "tree", "no-such-suite")]
    [InlineData("host-bed", "exec", "no-such-host", "true")]
    [InlineData("guest-bed", "image", "/nowhere", "no-such-suite")]
    public void WhatIsWrong_IsNotWhatThisMachineCannot(string fixture, params string[] arguments)
    {
        FixtureScript.Run(fixture, [fixture == "engine" ? "check" : "needs"]).Require();
        Assert.InRange(FixtureScript.Run(fixture, arguments).ExitCode, 1, 2);
    }

    /// <summary>While another program holds a lock, installing waits; what apt says no to is a failure, not something that this machine cannot.</summary>
    [Theory]
    [InlineData("lists", "/lists/lock")]
    [InlineData("dpkg", "/dpkg/lock-frontend")]
    public void Installing_WaitsForAptsLocks(string what, string held)
    {
        FixtureScript.Run("host-bed", ["needs"]).Require();
        CommandResult answer = Shell(
            $$"""
            folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
            mkdir -p "$folder"/lists/partial "$folder"/cache/archives/partial "$folder"/sources.d "$folder"/dpkg/updates
            cp /var/lib/dpkg/status "$folder/dpkg/status"
            # An index of its own without sources: nothing is fetched, and the package is there already.
            printf 'Dir::State::lists "%s";\nDir::State::status "%s";\nDir::Cache "%s";\nDir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "%s";\n' "$folder/lists" "$folder/dpkg/status" "$folder/cache" "$folder/sources.d" > "$folder/apt.conf"
            export APT_CONFIG=$folder/apt.conf
            perl -MFcntl -e '$| = 1; open(my $file, ">>", $ARGV[0]) or die; my $lock = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0); fcntl($file, F_SETLK, $lock) or die; print "held\n"; <STDIN>' "$folder{{held}}" < <(sleep 3) > "$folder/holder" &
            until grep -qs held "$folder/holder"; do kill -0 $! || exit 1; sleep 0.05; done
            . {{RepositoryPaths.Root}}/tests/fixture/install.sh
            install_packages base-files || exit 1
            [ "$SECONDS" -ge 2 ] || { echo "it did not wait"; exit 1; }
            ! OPENCLOUD_BUILD_TEST_APT_PATIENCE=0 install_packages no-such-package-{{what}}
            """);
        Assert.True(answer.ExitCode == 0, answer.Output + answer.Error);
        Assert.Contains($"no-such-package-{what}", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunThatTakesTooLong_IsEndedAndSaysWhatItDid()
    {
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(() => Command.RunAsync(
            "bash", ["-c", "sleep 300 & wait"], cancellationToken: TestContext.Current.CancellationToken, limit: TimeSpan.FromSeconds(1)));

        string[] lines = late.Message.Split('\n');
        Assert.Contains("bash -c sleep 300 & wait still runs after 00:00:01", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^\d+ State: S \(sleeping\) \w+ bash -c", lines[1]);
        Assert.Matches(@"^  \d+ State: S \(sleeping\) \w+ sleep 300$", lines[2]);
        string orphan = $"/proc/{lines[2].Trim().Split(' ')[0]}/status";
        Assert.True(!File.Exists(orphan) || (await File.ReadAllTextAsync(orphan, TestContext.Current.CancellationToken)).Contains("(zombie)", StringComparison.Ordinal));
    }

    private static CommandResult Shell(string script) => Command.Run(new ProcessStartInfo("bash", ["-uc", script]));

    /// <summary>The fixtures where everybody may read them.</summary>
    private sealed class FixtureCopy : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocb-fixture-");

        public FixtureCopy()
            => Shell($"mkdir -p {_folder}/tests && cp -r {RepositoryPaths.Root}/tests/fixture {_folder}/tests && chmod -R a+rX {_folder}").Require();

        public CommandResult RunAsNobody(string fixture, string verb)
        {
            string script = Path.Combine(_folder.FullName, "tests/fixture", fixture);
            return Environment.UserName == "root"
                ? Command.Run(new ProcessStartInfo("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", script, verb]))
                : Command.Run(new ProcessStartInfo(script, [verb]));
        }

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
