using System.Text;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Builds;

/// <summary>Writes a build's metadata and image id files. Each file appears complete or not at all; devices and pipes are written directly.</summary>
internal static class ResultFiles
{
    /// <exception cref="BuildErrorException">The path is a directory, or its parent directory does not exist.</exception>
    public static string Check(string path, ErrorEntry error)
    {
        string? problem = Directory.Exists(path)
            ? "it is a directory."
            : Directory.Exists(Path.GetDirectoryName(path)) ? null : "its directory does not exist.";
        return problem is null ? path : throw error.ToException(path, null, path, problem);
    }

    /// <exception cref="BuildErrorException">A file cannot be written; the image exists nevertheless.</exception>
    public static void Write(CheckedBuild build, ImageBuildResult result, CancellationToken cancellationToken)
    {
        if (build.MetadataPath is { } metadata)
        {
            Write(metadata, BuildMetadata.ToJson(result), cancellationToken);
        }

        if (build.ImageIdPath is { } id)
        {
            // As in docker: its image id, or the digest of an image with several configs.
            Write(id, result.ConfigDigest ?? result.Digest ?? "", cancellationToken);
        }
    }

    /// <summary>Writes one metadata file for several builds.</summary>
    /// <exception cref="BuildErrorException">The file cannot be written; the images exist nevertheless.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, ImageBuildResult>> results, CancellationToken cancellationToken) =>
        Write(path, BuildMetadata.ToJson(results), cancellationToken);

    private static void Write(string path, string text, CancellationToken cancellationToken)
    {
        try
        {
            OutputPlace.Of(path).Write(Encoding.UTF8.GetBytes(text), cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ErrorCatalog.ResultFileNotWritable.ToException(path, exception, path, exception.Message);
        }
    }
}
