using System.Formats.Tar;
using System.IO.Compression;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Releases;

/// <summary>
/// Unpacks BuildKit's archive: regular files <c>bin/NAME</c> and nothing else (RootlessKit's: regular files at the top level). Any other
/// entry stops the work before a file of the archive is used, because no release has such an entry.
/// </summary>
internal static class ReleaseArchive
{
    public const long MaxFileBytes = 512L << 20;

    /// <summary>The maximum size of all programs together.</summary>
    public const long MaxTotalBytes = 1L << 30;

    /// <summary>The most bytes between two files: a header with its extensions, and the padding of the previous file.</summary>
    public const int MaxHeaderBytes = 1 << 20;

    public const int MaxEntries = 256;

    /// <summary>
    /// Unpacks a verified archive into an empty directory that the caller created and only root can enter. It reads from the current
    /// position. folder is the archive's folder of programs, with a slash; a release without the required program is refused.
    /// progress receives the bytes written so far, of all programs.
    /// </summary>
    /// <returns>The names of the unpacked programs.</returns>
    /// <exception cref="HostException">The archive is truncated, hostile or lacks the required program.</exception>
    public static IReadOnlyList<string> Unpack(Stream archive, string directory, Action<long>? progress, CancellationToken cancellationToken, string folder = "bin/", string required = "buildkitd")
    {
        List<string> names = new();
        long total = 0L;
        int entries = 0;
        byte[] buffer = new byte[128 << 10];
        try
        {
            using GZipStream gzip = new(archive, CompressionMode.Decompress, leaveOpen: true);
            using BoundedHeaders bounded = new(gzip, MaxHeaderBytes);
            using TarReader tar = new(bounded);
            while (bounded.Header(() => tar.GetNextEntry()) is { } entry)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (++entries > MaxEntries)
                {
                    throw Hostile($"it has more than {MaxEntries} entries");
                }

                if (entry.EntryType is TarEntryType.GlobalExtendedAttributes || (entry.EntryType == TarEntryType.Directory && entry.Name is "bin" or "bin/" or "./" or "./bin/"))
                {
                    continue;
                }

                string name = NameOf(entry, folder);
                if (names.Contains(name))
                {
                    throw Hostile($"it contains '{folder}{name}' twice");
                }

                if (entry.Length > MaxFileBytes || total + entry.Length > MaxTotalBytes)
                {
                    throw Hostile($"'{folder}{name}' has {entry.Length >> 20} MiB; the limit is {MaxFileBytes >> 20} MiB per file and {MaxTotalBytes >> 20} MiB in total");
                }

                FileStreamOptions options = new()
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = FileModes.OwnerOnly,
                };
                using FileStream file = new(Path.Combine(directory, name), options);
                long left = entry.Length;
                while (left > 0)
                {
                    int read = entry.DataStream!.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
                    if (read == 0)
                    {
                        throw new EndOfStreamException();
                    }

                    file.Write(buffer, 0, read);
                    left -= read;
                    total += read;
                    progress?.Invoke(total);
                    cancellationToken.ThrowIfCancellationRequested();
                }

                LastingFile.Synchronize(file);
                names.Add(name);
            }
        }
        catch (OutOfMemoryException error)
        {
            // Header extensions are read into memory with the size that they declare.
            throw new HostException(HostErrorKind.Integrity, "The archive is rejected: one of its headers is larger than the memory of this host.", "Do not use this archive.", inner: error);
        }
        catch (Exception error) when (error is EndOfStreamException or InvalidOperationException or InvalidDataException or FormatException || (error is IOException && !FileHash.IsDiskFull(error)))
        {
            throw new HostException(
                HostErrorKind.Integrity,
                $"The archive is damaged or truncated: {error.Message}",
                "Download the archive again.",
                inner: error);
        }

        return names.Contains(required)
            ? names
            : throw new HostException(HostErrorKind.Integrity, $"The archive does not contain {folder}{required}: it is not a {(required == "buildkitd" ? "BuildKit " : string.Empty)}release for Linux.");
    }

    private static string NameOf(TarEntry entry, string folder)
    {
        string shown = Accounts.AccountDatabase.Printable(entry.Name);
        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile))
        {
            throw Hostile($"'{shown}' is a {entry.EntryType}, not a regular file");
        }

        string path = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        string name = path.StartsWith(folder, StringComparison.Ordinal) ? path[folder.Length..] : string.Empty;
        if (name.Length is 0 or > 128 || name[0] is '.' or '-' || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '+'))
        {
            throw Hostile($"'{shown}' is not a plain file in {(folder.Length > 0 ? folder : "its top directory")}");
        }

        return name;
    }

    private static HostException Hostile(string why) => new(
        HostErrorKind.Integrity,
        $"The archive is rejected: {why}. A release never contains this.",
        "Do not use this archive. Download the archive of the project.");
}
