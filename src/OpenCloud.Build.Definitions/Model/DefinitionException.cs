namespace OpenCloud.Build.Definitions.Model;

/// <summary>A definition that cannot be read; says what is wrong and where.</summary>
public sealed class DefinitionException : Exception
{
    /// <summary>Says what is wrong in a line of a file.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="file">The file, if it is one that is wrong.</param>
    /// <param name="line">The line, from 1; 0 if it is not known.</param>
    /// <param name="inner">The cause.</param>
    public DefinitionException(string message, string? file = null, int line = 0, Exception? inner = null)
        : base(file is null ? message : line > 0 ? $"{file}:{line}: {message}" : $"{file}: {message}", inner)
    {
        File = file;
        Line = line;
    }

    /// <summary>The file; null if the fault is in none.</summary>
    public string? File { get; }

    /// <summary>The line, from 1; 0 if it is not known.</summary>
    public int Line { get; }

    /// <summary>Whether it is a target that is not there, and not a file that is wrong.</summary>
    public bool IsMissingTarget { get; init; }
}
