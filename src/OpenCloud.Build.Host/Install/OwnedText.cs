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

    /// <summary>The most bytes a text may have; those of this module have some lines each.</summary>
    public const int Limit = 1024 * 1024;

    /// <summary>Adds the first line.</summary>
    public static string Seal(string body) => $"{Mark}{FileHash.OfText(body)}\n{body}";

    /// <summary>What follows the first line of a file of this module.</summary>
    public static string Body(string path) => Shown(path) is var text ? text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..] : string.Empty;

    /// <summary>The text of a file, to be shown; empty for one that is no regular file, or that nobody would read.</summary>
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

    /// <summary>Tells whose a file is.</summary>
    public static TextOwner OwnerOf(string path)
    {
        string? text;
        try
        {
            text = BoundedFile.TryReadText(path, Limit, followLink: true);
        }
        catch (IOException)
        {
            // A device (a masked unit), a pipe, a folder, or far too much for a text of this module.
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
