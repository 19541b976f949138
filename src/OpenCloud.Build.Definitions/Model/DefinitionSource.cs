namespace OpenCloud.Build.Definitions.Model;

/// <summary>The language of a definition.</summary>
public enum DefinitionLanguage
{
    /// <summary>Detected by the file name, or else by the text.</summary>
    Unknown,

    /// <summary>A Compose file.</summary>
    Compose,

    /// <summary>A bake file in HCL.</summary>
    Hcl,

    /// <summary>A bake file in JSON.</summary>
    Json,
}

/// <summary>The text of a definition, and its name in messages.</summary>
/// <param name="Name">The file's path as given.</param>
/// <param name="Text">The text.</param>
/// <param name="Language">The language.</param>
public sealed record DefinitionSource(string Name, string Text, DefinitionLanguage Language = DefinitionLanguage.Unknown)
{
    /// <summary>The maximum length of a definition, in characters.</summary>
    public const int MostCharacters = 4 << 20;

    /// <summary>The file's full path; null when the text is not from a file.</summary>
    public string? FullPath { get; init; }
}
