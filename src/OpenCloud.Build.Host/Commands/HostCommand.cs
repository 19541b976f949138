using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Host.Commands;

internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The last lines of its output, errors first, for a message.</summary>
    public string Tail(int lines = 6)
    {
        string text = string.IsNullOrWhiteSpace(Error) ? Output : Error;
        string[] all = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join('\n', all.Skip(Math.Max(0, all.Length - lines)));
    }
}

/// <summary>Runs system programs: found in the system's folders only, with arguments as a list, and with parseable English messages.</summary>
internal static class HostCommand
{
    private const int NotFound = 127; // what a shell answers

    /// <summary>The exit status of a program that was killed after its time limit, as of timeout(1).</summary>
    public const int TookTooLong = 124;

    /// <summary>Runs a program to its end and returns its exit status; 127 for a missing program. Cancellation kills its process group.</summary>
    public static CommandResult Run(
        string program,
        IEnumerable<string> arguments,
        CancellationToken cancellationToken = default,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        Dictionary<string, string> all = ProgramEnvironment.Inherited();
        all["LC_ALL"] = "C.UTF-8";
        all["PATH"] = ProgramFinder.SystemPath;
        foreach ((string? name, string? value) in environment ?? new Dictionary<string, string>())
        {
            all[name] = value;
        }

        return RunWith(program, arguments, all, cancellationToken);
    }

    /// <summary>
    /// Runs a program with exactly the given variables, plus those that keep systemd's tools from a pager and colors. After the
    /// timeout it is killed, and its exit status is 124. Cancellation kills its process group.
    /// </summary>
    public static CommandResult RunWith(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken, TimeSpan? timeout = null)
    {
        string? path = program.Contains('/', StringComparison.Ordinal) ? program : Find(program);
        if (path is null)
        {
            return new CommandResult(NotFound, string.Empty, $"{program}: not found in {ProgramFinder.SystemPath}");
        }

        Dictionary<string, string> all = new(environment) { ["SYSTEMD_PAGER"] = string.Empty, ["SYSTEMD_COLORS"] = "0" };
        try
        {
            ProgramResult result = ProgramRunner.Run(new ProgramCommand(path, [.. arguments], all) { Timeout = timeout }, cancellationToken);
            return new CommandResult(result.ExitCode, result.Output, result.Error);
        }
        catch (TimeoutException late)
        {
            return new CommandResult(TookTooLong, string.Empty, late.Message);
        }
        catch (IOException failed)
        {
            return new CommandResult(NotFound, string.Empty, failed.Message);
        }
    }

    /// <summary>Runs a program that must succeed.</summary>
    /// <exception cref="HostException">The program failed; the message carries its last lines.</exception>
    public static CommandResult Require(
        string program,
        IEnumerable<string> arguments,
        CancellationToken cancellationToken = default,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        string[] list = arguments.ToArray();
        CommandResult result = Run(program, list, cancellationToken, environment);
        if (result.ExitCode != 0)
        {
            throw new HostException(
                HostErrorKind.CommandFailed,
                $"'{program} {string.Join(' ', list)}' ended with {result.ExitCode}: {result.Tail()}",
                target: program);
        }

        return result;
    }

    /// <summary>
    /// The full path of a program; null when it is not on the system's path. alsoOnPath searches the caller's own path first: only
    /// for programs that run as the caller, never for those that change the host.
    /// </summary>
    public static string? Find(string program, bool alsoOnPath = false)
        => alsoOnPath ? ProgramFinder.OnPathOrInSystem(program) : ProgramFinder.InSystem(program);
}
