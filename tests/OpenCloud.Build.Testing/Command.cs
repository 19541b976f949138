using System.Diagnostics;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Runs a program to its end.</summary>
internal static class Command
{
    /// <summary>Runs a program without input and collects what it says.</summary>
    /// <param name="program">A path, or a name to be found on PATH.</param>
    /// <param name="arguments">Its arguments, each as it is.</param>
    /// <param name="environment">Variables to set, or with null to unset, for the program.</param>
    /// <param name="cancellationToken">Ends the program, and the programs it started.</param>
    public static async Task<CommandResult> RunAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        CancellationToken cancellationToken = default)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new CommandResult(process.ExitCode, await output, await error);
    }
}

/// <summary>How a program ended, and what it said.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output, if the program succeeded.</summary>
    /// <exception cref="InvalidOperationException">It did not; the message has all it said.</exception>
    public string Succeeded()
    {
        return ExitCode == 0
            ? Output
            : throw new InvalidOperationException($"exit code {ExitCode}\n{Output}\n{Error}");
    }
}
