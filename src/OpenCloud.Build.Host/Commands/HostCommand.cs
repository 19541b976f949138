using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Host.Commands;

/// <summary>What a program of the system said and how it ended.</summary>
/// <param name="ExitCode">Its exit status.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The last lines of what it said, errors first: enough for a message.</summary>
    public string Tail(int lines = 6)
    {
        string text = string.IsNullOrWhiteSpace(Error) ? Output : Error;
        string[] all = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join('\n', all.Skip(Math.Max(0, all.Length - lines)));
    }
}

/// <summary>Runs programs of the system: found in the system's folders only, arguments as a list, messages in English so that they can be read.</summary>
internal static class HostCommand
{
    private const int NotFound = 127; // what a shell answers

    /// <summary>The exit status of a program that was given up: timeout(1)'s.</summary>
    public const int TookTooLong = 124;

    /// <summary>Runs a program to its end and gives its exit status; a program that is missing gives 127.</summary>
    /// <param name="program">Its name, or its absolute path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="cancellationToken">Kills it and its group.</param>
    /// <param name="environment">Variables beside those of this process; system's tools run as who runs this one.</param>
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

    /// <summary>Runs a program with exactly the variables given, and those that keep systemd's tools from a pager and colors.</summary>
    /// <param name="program">Its name, or its absolute path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Its variables.</param>
    /// <param name="cancellationToken">Kills it and its group.</param>
    /// <param name="patience">How long it may run; then it is killed, and 124 is its exit status.</param>
    public static CommandResult RunWith(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        string? path = program.Contains('/', StringComparison.Ordinal) ? program : Find(program);
        if (path is null)
        {
            return new CommandResult(NotFound, string.Empty, $"{program}: not found in {ProgramFinder.SystemPath}");
        }

        Dictionary<string, string> all = new(environment) { ["SYSTEMD_PAGER"] = string.Empty, ["SYSTEMD_COLORS"] = "0" };
        try
        {
            ProgramResult result = ProgramRunner.Run(new ProgramCommand(path, [.. arguments], all) { Timeout = patience }, cancellationToken);
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
    /// <exception cref="HostException">It failed; the message carries its last words.</exception>
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

    /// <summary>The full path of a program, or null when it is nowhere on the system's path.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="alsoOnPath">Looks on the caller's own path first: for what runs as the caller, never for what changes the host.</param>
    public static string? Find(string program, bool alsoOnPath = false)
        => alsoOnPath ? ProgramFinder.OnPathOrInSystem(program) : ProgramFinder.InSystem(program);
}
