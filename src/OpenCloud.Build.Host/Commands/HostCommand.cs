using System.ComponentModel;
using System.Diagnostics;
using System.Text;

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
        var text = string.IsNullOrWhiteSpace(Error) ? Output : Error;
        var all = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join('\n', all.Skip(Math.Max(0, all.Length - lines)));
    }
}

/// <summary>Runs programs of the system: arguments as a list, never through a shell; messages in English so that they can be read.</summary>
internal static class HostCommand
{
    private static readonly Lazy<string?> SetSid = new(() => Find("setsid"));

    /// <summary>Runs a program to its end and gives its exit status; a program that is missing gives 127.</summary>
    public static CommandResult Run(
        string program,
        IEnumerable<string> arguments,
        CancellationToken cancellationToken = default,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        // In a session of its own: Ctrl+C goes to all that runs at the terminal, and would cut off a package installation, or the
        // commands that take one back. It reaches this process, which decides what is stopped. setsid(1) becomes the program.
        var start = new ProcessStartInfo(SetSid.Value ?? program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        foreach (var argument in SetSid.Value is null ? arguments : arguments.Prepend(program))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["SYSTEMD_PAGER"] = string.Empty;
        start.Environment["SYSTEMD_COLORS"] = "0";

        // sudo's secure_path may be gone and su keeps a user's PATH: the tools used here live in sbin too.
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        Process process;
        try
        {
            process = Process.Start(start) ?? throw new InvalidOperationException("no process was started");
        }
        catch (Win32Exception missing)
        {
            return new CommandResult(127, string.Empty, $"{program}: {missing.Message}");
        }

        using (process)
        {
            process.StandardInput.Close();
            var error = new StringBuilder();
            process.ErrorDataReceived += (_, line) =>
            {
                if (line.Data is not null)
                {
                    lock (error)
                    {
                        error.Append(line.Data).Append('\n');
                    }
                }
            };
            process.BeginErrorReadLine();
            using var cancel = cancellationToken.Register(() => Stop(process));
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            cancellationToken.ThrowIfCancellationRequested();
            return new CommandResult(process.ExitCode, output, error.ToString());
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
        var list = arguments.ToArray();
        var result = Run(program, list, cancellationToken, environment);
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
    {
        var own = alsoOnPath ? Environment.GetEnvironmentVariable("PATH")?.Split(':').Where(Path.IsPathRooted) : null;
        foreach (var directory in (own ?? []).Concat(["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))
        {
            var path = Path.Combine(directory, program);
            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    private static void Stop(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in the meantime.
        }
    }
}
