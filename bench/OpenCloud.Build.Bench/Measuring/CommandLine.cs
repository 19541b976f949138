using System.Diagnostics;

namespace OpenCloud.Build.Bench.Measuring;

/// <summary>A program, its arguments and what its environment has beside this process's.</summary>
internal sealed record CommandLine(string Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string>? Environment = null)
{
    /// <summary>Runs it unmeasured and gives its standard output.</summary>
    /// <exception cref="BenchException">It did not start or did not end with 0.</exception>
    public string Capture()
    {
        ProcessStartInfo start = ToStartInfo(Program, Arguments);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start) ?? throw new BenchException($"'{Program}' did not start.");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new BenchException($"'{this}' ended with {process.ExitCode}: {errors.GetAwaiter().GetResult().Trim()}");
    }

    /// <summary>Runs it unmeasured and gives the first line of its standard output.</summary>
    /// <exception cref="BenchException">It did not start or did not end with 0.</exception>
    public string CaptureLine() => Capture().Split('\n')[0].Trim();

    /// <summary>The same environment for another program.</summary>
    public ProcessStartInfo ToStartInfo(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false };
        foreach ((string? name, string? value) in Environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', (Environment ?? new Dictionary<string, string>())
        .Select(pair => $"{pair.Key}={pair.Value}").Append(Program).Concat(Arguments));
}
