using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Install;

/// <summary>Whose a text file is.</summary>
internal enum TextOwner
{
    /// <summary>There is no such file.</summary>
    Nobody,

    /// <summary>This module wrote it, and nobody changed it since.</summary>
    Module,

    /// <summary>This module wrote it, and somebody changed it since.</summary>
    EditedByUser,

    /// <summary>Somebody else wrote it.</summary>
    User,
}

/// <summary>
/// Texts this module writes carry their own hash in their first line, so that a later version of it can tell its own from
/// those a user edited even when all else is lost.
/// </summary>
internal static class OwnedText
{
    private const string Mark = "# Written by OpenCloud.Build; kept as it is once you edit it. sha256 of the rest: ";

    /// <summary>Adds the first line.</summary>
    public static string Seal(string body) => $"{Mark}{FileHash.OfText(body)}\n{body}";

    /// <summary>What follows the first line of a file of this module.</summary>
    public static string Body(string path) => File.ReadAllText(path) is var text ? text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..] : string.Empty;

    /// <summary>Tells whose a file is.</summary>
    public static TextOwner OwnerOf(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return TextOwner.Nobody;
        }

        var end = text.IndexOf('\n', StringComparison.Ordinal);
        if (end < 0 || !text.StartsWith(Mark, StringComparison.Ordinal))
        {
            return text.Contains(Mark, StringComparison.Ordinal) ? TextOwner.EditedByUser : TextOwner.User;
        }

        return text[Mark.Length..end] == FileHash.OfText(text[(end + 1)..]) ? TextOwner.Module : TextOwner.EditedByUser;
    }
}
