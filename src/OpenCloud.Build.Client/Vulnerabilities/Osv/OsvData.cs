using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>Vulnerability data in the form of OSV: files, directories of files, and the zips of OSV.dev. It is read once, record by record.</summary>
public static class OsvData
{
    private const int MostRecordBytes = 32 * 1024 * 1024;
    private const int MostDepth = 16;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>Finds the vulnerabilities of packages.</summary>
    /// <param name="bills">The packages of the images.</param>
    /// <param name="paths">The files and directories with the data.</param>
    /// <param name="progress">Gets the number of records that were read; may be null.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="VulnerabilityScanException">The data cannot be read.</exception>
    public static Task<OsvResult> FindAsync(
        IReadOnlyList<SoftwareBill> bills, IReadOnlyList<string> paths, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(bills);
        ArgumentNullException.ThrowIfNull(paths);
        return FindAsync(bills, paths, OsvLimits.Default, progress, cancellationToken);
    }

    internal static async Task<OsvResult> FindAsync(
        IReadOnlyList<SoftwareBill> bills, IReadOnlyList<string> paths, OsvLimits limits, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        OsvMatcher matcher = new(new PackageIndex(bills), limits);
        Reader reader = new(matcher, limits, progress);
        foreach (string path in paths)
        {
            await reader.ReadAsync(path, cancellationToken).ConfigureAwait(false);
        }

        Dictionary<SoftwareBill, int> order = [];
        foreach (SoftwareBill bill in bills)
        {
            order.TryAdd(bill, order.Count);
        }

        ContainerImageVulnerability[] found =
        [
            .. matcher.Found.OrderBy(f => order[f.Bill])
                .ThenBy(static f => f.Vulnerability.Package, StringComparer.Ordinal)
                .ThenBy(static f => f.Vulnerability.Version, StringComparer.Ordinal)
                .ThenByDescending(static f => f.Vulnerability.Severity)
                .ThenBy(static f => f.Vulnerability.Id, StringComparer.Ordinal)
                .Select(static f => f.Vulnerability),
        ];
        return new OsvResult(found, matcher.Coverage.Missing(bills));
    }

    private static VulnerabilityScanException Invalid(string path, string why, Exception? cause = null) =>
        new(VulnerabilityScanFailure.InvalidData, $"The vulnerability data '{path}' cannot be used: {why}.", cause);

    private sealed class Reader(OsvMatcher matcher, OsvLimits limits, IProgress<long>? progress)
    {
        private long _records;
        private long _bytes;

        public async Task ReadAsync(string path, CancellationToken cancellationToken)
        {
            try
            {
                if (Directory.Exists(path))
                {
                    long before = _records;
                    await ReadDirectoryAsync(path, 0, cancellationToken).ConfigureAwait(false);
                    if (_records == before)
                    {
                        throw Invalid(path, "the directory has no files with the extension .json or .zip");
                    }
                }
                else
                {
                    await ReadFileAsync(path, isNamed: true, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw Invalid(path, exception.Message.TrimEnd('.'), exception);
            }
        }

        // Hidden files and symbolic links are not followed: a clone of a repository has other files beside the data.
        private async Task ReadDirectoryAsync(string directory, int depth, CancellationToken cancellationToken)
        {
            if (depth > MostDepth)
            {
                throw Invalid(directory, $"the directory is more than {MostDepth} levels deep");
            }

            EnumerationOptions options = new() { AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden, IgnoreInaccessible = false };
            foreach (FileSystemInfo item in new DirectoryInfo(directory).EnumerateFileSystemInfos("*", options))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (item is DirectoryInfo)
                {
                    await ReadDirectoryAsync(item.FullName, depth + 1, cancellationToken).ConfigureAwait(false);
                }
                else if (item.Extension.Equals(".json", StringComparison.OrdinalIgnoreCase) || item.Extension.Equals(".zip", StringComparison.OrdinalIgnoreCase))
                {
                    await ReadFileAsync(item.FullName, isNamed: false, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        private async Task ReadFileAsync(string path, bool isNamed, CancellationToken cancellationToken)
        {
            using SafeFileHandle file = BoundedFile.TryOpen(path, followLink: isNamed) ?? throw Invalid(path, "the file does not exist");
            if (!ZipEntries.IsZip(file))
            {
                await ReadStreamAsync(new FileSliceStream(file, 0, RandomAccess.GetLength(file)), path, cancellationToken).ConfigureAwait(false);
                return;
            }

            foreach ((string name, Stream content) in new ZipEntries(file, why => Invalid(path, why)).Read())
            {
                await using (content.ConfigureAwait(false))
                {
                    if (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
                    {
                        await ReadStreamAsync(content, $"{path}/{name}", cancellationToken).ConfigureAwait(false);
                    }
                }
            }
        }

        private async Task ReadStreamAsync(Stream stream, string source, CancellationToken cancellationToken)
        {
            try
            {
                await foreach (ReadOnlyMemory<byte> json in JsonRecords.ReadAsync(stream, MostRecordBytes, Count, why => Invalid(source, why), cancellationToken).ConfigureAwait(false))
                {
                    if (++_records > limits.Records)
                    {
                        throw Invalid(source, $"there are more than {limits.Records} records");
                    }

                    using JsonDocument record = JsonDocument.Parse(json, Options);
                    matcher.Match(record.RootElement, source, cancellationToken);
                    if (_records % 1000 == 0)
                    {
                        progress?.Report(_records);
                    }
                }
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException or InvalidDataException)
            {
                // Invalid UTF-8 and unpaired surrogates show only when a string is requested; damaged zips while they are unpacked.
                throw Invalid(source, exception.Message.TrimEnd('.'), exception);
            }

            void Count(int bytes)
            {
                if ((_bytes += bytes) > limits.Bytes)
                {
                    throw Invalid(source, $"there are more than {limits.Bytes} bytes");
                }
            }
        }
    }
}
