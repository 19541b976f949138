namespace OpenCloud.Build.Testing;

/// <summary>How a program ended, and what it wrote.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output, if the program succeeded.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has everything it wrote.</exception>
    public string Succeeded()
    {
        return ExitCode == 0
            ? Output
            : throw new InvalidOperationException($"exit code {ExitCode}\n{Output}\n{Error}");
    }
}
