namespace OpenCloud.Build.Definitions.Model;

/// <summary>The languages of definitions.</summary>
public enum DefinitionLanguage
{
    /// <summary>By the file's name, and where that does not say it, by its text.</summary>
    Unknown,

    /// <summary>A Compose file.</summary>
    Compose,

    /// <summary>A bake file in HCL.</summary>
    Hcl,

    /// <summary>A bake file in JSON.</summary>
    Json,
}

/// <summary>The text of a definition, and what messages call it.</summary>
/// <param name="Name">The file's path as it was given.</param>
/// <param name="Text">The text.</param>
/// <param name="Language">The language.</param>
public sealed record DefinitionSource(string Name, string Text, DefinitionLanguage Language = DefinitionLanguage.Unknown)
{
    /// <summary>How many characters a definition may have.</summary>
    public const int MostCharacters = 4 << 20;

    /// <summary>The file's full path; null if it is none.</summary>
    public string? FullPath { get; init; }
}
