namespace OpenCloud.Build.Definitions.Model;

/// <summary>A definition cannot be read. The message says what is wrong and where.</summary>
public sealed class DefinitionException : Exception
{
    /// <summary>Creates an exception for a line of a file.</summary>
    /// <param name="message">The message, without the file and line.</param>
    /// <param name="file">The file; null when the error is not in a file.</param>
    /// <param name="line">The line, from 1; 0 when unknown.</param>
    /// <param name="inner">The cause.</param>
    public DefinitionException(string message, string? file = null, int line = 0, Exception? inner = null)
        : base(file is null ? message : line > 0 ? $"{file}:{line}: {message}" : $"{file}: {message}", inner)
    {
        File = file;
        Line = line;
    }

    /// <summary>The file; null when the error is not in a file.</summary>
    public string? File { get; }

    /// <summary>The line, from 1; 0 when unknown.</summary>
    public int Line { get; }

    /// <summary>Whether a requested target does not exist, as opposed to an invalid file.</summary>
    public bool IsMissingTarget { get; init; }
}
