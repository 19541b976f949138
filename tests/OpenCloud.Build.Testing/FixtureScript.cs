using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace OpenCloud.Build.Testing;

/// <summary>The scripts of tests/fixture: what they answer, and what a failure of theirs means for a test.</summary>
public static class FixtureScript
{
    /// <summary>Their exit code where this machine cannot do what is asked; the reason is on their standard error.</summary>
    public const int CannotHere = 3;

    /// <summary>The path of a script.</summary>
    /// <param name="name">Its name in tests/fixture.</param>
    public static string PathOf(string name) => Path.Combine(RepositoryRoot.Path, "tests", "fixture", name);

    /// <summary>Runs a script; what it starts ends with this process at the latest.</summary>
    /// <param name="name">Its name in tests/fixture.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="user">The user in whose login session a host's command runs; null for root without one.</param>
    public static CommandResult Run(string name, IEnumerable<string> arguments, string? user = null)
    {
        ProcessStartInfo start = new(PathOf(name), arguments);
        start.Environment["BED_OWNER"] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        if (user is not null)
        {
            start.Environment["BED_AS"] = user;
        }

        return Command.Run(start);
    }

    /// <summary>Skips the test where the script reports that this machine cannot; any other failure fails the test.</summary>
    /// <param name="result">How the script ended.</param>
    /// <returns>What it printed.</returns>
    public static string Require(this CommandResult result)
    {
        string reason = result.Error.Trim();
        Assert.SkipWhen(result.ExitCode == CannotHere, reason);
        Assert.True(result.ExitCode == 0, $"a fixture failed with exit code {result.ExitCode}: {reason}");
        return result.Output;
    }
}
