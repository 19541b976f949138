using System.Text;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Builds;

/// <summary>Writes what came of a build where other tools look for it; each file appears whole or not at all; a device or a pipe is written to.</summary>
internal static class ResultFiles
{
    /// <summary>Writes the files that were asked for.</summary>
    /// <exception cref="BuildErrorException">One cannot be written; the image is there all the same.</exception>
    public static void Write(CheckedBuild build, ImageBuildResult result, CancellationToken cancellationToken)
    {
        if (build.MetadataPath is { } metadata)
        {
            Write(metadata, BuildMetadata.ToJson(result), cancellationToken);
        }

        if (build.ImageIdPath is { } id)
        {
            // As with docker: what it calls an image's id, or the digest where an image has several configs.
            Write(id, result.ConfigDigest ?? result.Digest ?? "", cancellationToken);
        }
    }

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
