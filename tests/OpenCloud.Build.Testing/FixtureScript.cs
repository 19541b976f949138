using System.Diagnostics;
using System.Globalization;
using System.Text;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>The scripts of tests/fixture: what they answer, and what a failure of theirs means for a test.</summary>
internal static class FixtureScript
{
    /// <summary>Their exit code where this machine cannot do what is asked; the reason is on their standard error.</summary>
    private const int CannotHere = 3;

    /// <summary>Runs one, which learns of this process as the owner of what it starts.</summary>
    /// <param name="name">Its name in tests/fixture.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="user">The user in whose login session a host's command runs; null for root without one.</param>
    public static (int Code, string Output, string Error) Run(string name, IEnumerable<string> arguments, string? user = null)
    {
        ProcessStartInfo start = new(Path.Combine(RepositoryPaths.Root, "tests/fixture", name), arguments);
        start.Environment["BED_OWNER"] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        if (user is not null)
        {
            start.Environment["BED_AS"] = user;
        }

        return Run(start);
    }

    /// <summary>Runs a program to its end.</summary>
    public static (int Code, string Output, string Error) Run(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        StringBuilder error = new();
        process.ErrorDataReceived += (_, line) => error.Append(line.Data).Append('\n');
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.ToString());
    }

    /// <summary>Skips the test where the script says that this machine cannot; any other failure fails the test.</summary>
    /// <returns>What it printed.</returns>
    public static string Require(this (int Code, string Output, string Error) answer)
    {
        string reason = answer.Error.Trim();
        Assert.SkipWhen(answer.Code == CannotHere, reason);
        Assert.True(answer.Code == 0, $"a fixture failed with exit code {answer.Code}: {reason}");
        return answer.Output;
    }
}
