namespace OpenCloud.Build.Linux.Programs;

/// <summary>A program to run: all that it is given, and within what bounds.</summary>
/// <param name="Path">Its absolute path, as <see cref="ProgramFinder"/> gives it.</param>
/// <param name="Arguments">Its arguments, each passed on as it is: no shell is between.</param>
/// <param name="Environment">All of its environment: see <see cref="ProgramEnvironment"/>.</param>
internal sealed record ProgramCommand(string Path, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>What it reads from its standard input, which ends after it.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>Where it runs; never the caller's current directory, from which programs may load files.</summary>
    public string Folder { get; init; } = "/";

    /// <summary>How many bytes of each of its outputs are kept; the rest is read and dropped.</summary>
    public int OutputLimit { get; init; } = 16 << 20;

    /// <summary>How long it may run; without end when null.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>What a program said and how it ended.</summary>
/// <param name="ExitCode">Its exit status; 128 and the signal's number when a signal ended it.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="IsTruncated">Whether it said more than was kept.</param>
internal sealed record ProgramResult(int ExitCode, string Output, string Error, bool IsTruncated);
