namespace OpenCloud.Build.Host.Files;

/// <summary>The owner of a text file.</summary>
internal enum TextOwner
{
    Nobody,

    /// <summary>This module wrote it, and it is unchanged.</summary>
    Module,

    /// <summary>This module wrote it, and somebody changed it later.</summary>
    EditedByUser,

    User,
}

/// <summary>
/// Texts of this module carry their own hash in the first line. A later version can thus tell them from texts
/// that a user edited, even when all records are lost.
/// </summary>
internal static class OwnedText
{
    private const string Mark = "# Written by OpenCloud.Build; kept as it is once you edit it. sha256 of the rest: ";

    /// <summary>The maximum size of a text in bytes; this module's own texts have a few lines each.</summary>
    public const int Limit = 1024 * 1024;

    public static string Seal(string body) => $"{Mark}{FileHash.OfText(body)}\n{body}";

    /// <summary>The content of a file of this module after its first line.</summary>
    public static string Body(string path) => Shown(path) is var text ? text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..] : string.Empty;

    /// <summary>The text of a file for display; empty for a file that is not regular or too large.</summary>
    public static string Shown(string path)
    {
        try
        {
            return BoundedFile.TryReadText(path, Limit, followLink: true) ?? string.Empty;
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }

    public static TextOwner OwnerOf(string path)
    {
        string? text;
        try
        {
            text = BoundedFile.TryReadText(path, Limit, followLink: true);
        }
        catch (IOException)
        {
            // A device (a masked unit), a pipe, a folder, or a file far too large for a text of this module.
            return TextOwner.User;
        }

        if (text is null)
        {
            return TextOwner.Nobody;
        }

        int end = text.IndexOf('\n', StringComparison.Ordinal);
        if (end < 0 || !text.StartsWith(Mark, StringComparison.Ordinal))
        {
            return text.Contains(Mark, StringComparison.Ordinal) ? TextOwner.EditedByUser : TextOwner.User;
        }

        return text[Mark.Length..end] == FileHash.OfText(text[(end + 1)..]) ? TextOwner.Module : TextOwner.EditedByUser;
    }
}
