namespace OpenCloud.Build.Linux.Programs;

/// <summary>A program to run: path, arguments, environment, input and limits.</summary>
/// <param name="Path">The absolute path, as <see cref="ProgramFinder"/> returns it.</param>
/// <param name="Arguments">The arguments, passed on unchanged: no shell is involved.</param>
/// <param name="Environment">The whole environment: see <see cref="ProgramEnvironment"/>.</param>
internal sealed record ProgramCommand(string Path, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The content of the standard input, which ends after it.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>The working directory; never the caller's current directory, from which programs may load files.</summary>
    public string Folder { get; init; } = "/";

    /// <summary>The number of bytes kept of each output; the rest is read and dropped.</summary>
    public int OutputLimit { get; init; } = 16 << 20;

    /// <summary>The longest run time; null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>The outputs and the exit status, which is 128 plus the signal number when a signal ended the program.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Error, bool IsTruncated);
