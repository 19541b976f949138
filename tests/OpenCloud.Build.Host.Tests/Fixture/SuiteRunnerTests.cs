using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>tests/run-xunit and tests/check-skips, on a suite that is none of xunit's but writes what a suite of xunit's writes.</summary>
public sealed class SuiteRunnerTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("ocb-suite-");

    public SuiteRunnerTests()
    {
        // The scripts work on the checkout that they are in.
        Shell("mkdir -p tests/Some/bin/Release/net10.0 && touch tests/Some/OpenCloud.Build.Some.Tests.csproj && echo 'Some 1 60' > tests/suite-limits");
        foreach (string script in (string[])["run-xunit", "check-skips"])
        {
            File.Copy(Path.Combine(RepositoryPaths.Root, "tests", script), Path.Combine(_root.FullName, "tests", script));
        }
    }

    [Fact]
    public void ASuiteThatIsStopped_KeepsWhatItHadFound()
    {
        Suite("exec sleep 60");
        (int code, string? said) = Run("OPENCLOUD_BUILD_TEST_TIMEOUT=1 tests/run-xunit -- -some option");
        Assert.NotEqual(0, code);
        Assert.Contains("FAILED: Some was stopped after 1 s; until then 2 passed, 1 failed, 1 skipped\n  it still ran: N.C.Endless\n", said, StringComparison.Ordinal);
        Assert.EndsWith("xunit: 2 passed, 2 failed, 1 skipped\n", said, StringComparison.Ordinal);
    }

    [Fact]
    public void ASuiteThatCrashes_KeepsWhatItHadFound()
    {
        Suite("kill -SEGV $$");
        (int code, string? said) = Run("tests/run-xunit -- -some option");
        Assert.NotEqual(0, code);
        Assert.Contains("FAILED: Some ended with exit code 139 and without a report", said, StringComparison.Ordinal);
        Assert.EndsWith("xunit: 2 passed, 2 failed, 1 skipped\n", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Some no-given 1 N.C.Skipped*", null)]
    [InlineData("Some no-given all N.C.Skipped*", null)]
    [InlineData("Some no-given some *", null)]
    [InlineData("Some no-given 2 N.C.Skipped*", "NOT AS EXPECTED: Some: 1 skipped, not 2, of N.C.Skipped* (no-given)\n  skipped: N.C.Skipped(here: \"no\")\n")]
    [InlineData("Some no-given 0 N.C.First", "NOT AS EXPECTED: Some: N.C.Skipped(here: \"no\"): this machine cannot\n")]
    [InlineData("Some no-given 1 N.C.Failed", "NOT AS EXPECTED: Some: 0 skipped, not 1, of N.C.Failed (no-given)\n  run: N.C.Failed\n")]
    [InlineData("Other no-given 1 N.C.Skipped*", "NOT AS EXPECTED: Some: N.C.Skipped(here: \"no\"): this machine cannot\n")]
    public void OtherSkipsThanExpected_AreNamed_AndFailInContinuousIntegration(string expected, string? difference)
    {
        Suite("echo '{}' > \"${@: -1}\"; exit 1");
        File.WriteAllText(Path.Combine(_root.FullName, "tests/expected-skips"), $"# SUITE KIND NUMBER TESTS\n{expected}\n");
        (int _, string? said) = Run("CI=true tests/run-xunit");
        Assert.Contains("1 Some: skipped: this machine cannot\n", said, StringComparison.Ordinal);
        Assert.Contains(difference ?? "skipped", said, StringComparison.Ordinal);
        Assert.EndsWith($"xunit: 2 passed, {(difference is null ? 1 : 2)} failed, 1 skipped\n", said, StringComparison.Ordinal);

        // Elsewhere it is told alone.
        Assert.EndsWith("xunit: 2 passed, 1 failed, 1 skipped\n", Run("CI= tests/run-xunit").Output, StringComparison.Ordinal);
    }

    public void Dispose() => _root.Delete(recursive: true);

    private void Suite(string end)
    {
        string program = Path.Combine(_root.FullName, "tests/Some/bin/Release/net10.0/OpenCloud.Build.Some.Tests");
        File.WriteAllText(
            program,
            $$"""
            #!/bin/bash
            result() { printf '%s\t%s\t%s\t%s\n' "$@" >> "$OPENCLOUD_BUILD_TEST_RESULTS"; }
            for test in First Second Failed 'Skipped(here: "no")' Endless; do result started 0.00 "N.C.$test" ''; done
            result passed 0.01 N.C.First ''
            result passed 0.02 N.C.Second ''
            result failed 0.03 N.C.Failed ''
            result skipped 0.00 'N.C.Skipped(here: "no")' 'this machine cannot'
            {{end}}

            """);
        File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
    }

    private (int Code, string Output) Run(string command)
    {
        (int code, string? output, string _) = Command.Run(new ProcessStartInfo("env", ["-u", "OPENCLOUD_BUILD_TEST_ENGINE", "-u", "OPENCLOUD_BUILD_TEST_TIMEOUT", "sh", "-c", command]) { WorkingDirectory = _root.FullName });
        return (code, output);
    }

    private void Shell(string script) => Command.Run(new ProcessStartInfo("sh", ["-euc", script]) { WorkingDirectory = _root.FullName }).Require();
}
