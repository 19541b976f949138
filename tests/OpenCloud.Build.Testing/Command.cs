using System.Diagnostics;

namespace OpenCloud.Build.Testing;

/// <summary>Runs a program to its end.</summary>
public static class Command
{
    /// <summary>Runs a program without input and collects what it writes.</summary>
    /// <param name="program">A path, or a name to search on PATH.</param>
    /// <param name="arguments">Its arguments, each passed unchanged.</param>
    /// <param name="environment">Variables to set, or with null to unset, for the program.</param>
    /// <param name="cancellationToken">Ends the program, and the programs it started.</param>
    /// <param name="limit">How long it may take; none by default.</param>
    /// <exception cref="TimeoutException">It took longer. The message says what it and the programs it started were doing.</exception>
    public static Task<CommandResult> RunAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        CancellationToken cancellationToken = default,
        TimeSpan? limit = null)
    {
        ProcessStartInfo start = new(program, arguments);
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        return RunAsync(start, limit, cancellationToken);
    }

    /// <summary>Runs a program without input and collects what it writes.</summary>
    /// <param name="start">The program; its streams are redirected.</param>
    public static CommandResult Run(ProcessStartInfo start) => RunAsync(start, null, CancellationToken.None).GetAwaiter().GetResult();

    private static async Task<CommandResult> RunAsync(ProcessStartInfo start, TimeSpan? limit, CancellationToken cancellationToken)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.UseShellExecute = false;
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken).WaitAsync(limit ?? Timeout.InfiniteTimeSpan, CancellationToken.None).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        catch (TimeoutException)
        {
            string doing = ProcessTree.Describe(process.Id);
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{start.FileName} {string.Join(' ', start.ArgumentList)} still runs after {limit}:\n{doing}");
        }

        return new CommandResult(process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
    }
}
