using System.Formats.Tar;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>A file of an image's root file system.</summary>
/// <param name="Path">Relative to the root, without a slash at either end.</param>
/// <param name="Type">Its kind; hard links stay links, whichever path came first is the file.</param>
/// <param name="Mode">Permission, set-id and sticky bits.</param>
/// <param name="Uid">Its owner.</param>
/// <param name="Gid">Its group.</param>
/// <param name="Size">Bytes of content; 0 for all but regular files.</param>
/// <param name="LinkName">The target of a symbolic or hard link, as written; else empty.</param>
/// <param name="ModificationTime">As fine as the archive has it.</param>
/// <param name="ExtendedAttributes">PAX records by their full keys (<c>SCHILY.xattr.user.note</c>).</param>
/// <param name="DeviceMajor">Of a device; else 0.</param>
/// <param name="DeviceMinor">Of a device; else 0.</param>
/// <param name="Sha256">Of a regular file's content, in lower-case hex; else empty.</param>
public sealed record TarImageEntry(
    string Path,
    TarEntryType Type,
    UnixFileMode Mode,
    int Uid,
    int Gid,
    long Size,
    string LinkName,
    DateTimeOffset ModificationTime,
    IReadOnlyDictionary<string, string> ExtendedAttributes,
    int DeviceMajor,
    int DeviceMinor,
    string Sha256)
{
    /// <summary>The mode in octal digits, for assertions that can be read.</summary>
    public string Octal => Convert.ToString((int)Mode, 8);
}
