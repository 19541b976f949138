namespace OpenCloud.Build.Client.Engines.Named;

/// <summary>Why a named engine cannot be read or registered.</summary>
public enum NamedEngineProblem
{
    /// <summary>The name is invalid.</summary>
    InvalidName,

    /// <summary>No engine has the name.</summary>
    NotFound,

    /// <summary>An engine has the name already.</summary>
    Exists,

    /// <summary>The file is damaged, too large, or of a newer version.</summary>
    FileInvalid,

    /// <summary>Other users can change the file.</summary>
    FileNotTrusted,

    /// <summary>The file cannot be read or written.</summary>
    FileNotAccessible,
}

/// <summary>A named engine cannot be read or registered; nothing was changed.</summary>
public sealed class NamedEngineException : IOException
{
    internal NamedEngineException(NamedEngineProblem problem, string message, Exception? inner = null)
        : base(message, inner) => Problem = problem;

    /// <summary>The reason.</summary>
    public NamedEngineProblem Problem { get; }
}
