using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Images;

/// <summary>A file or directory that appears complete or not at all: it is written beside its destination and then moved.</summary>
internal sealed class NewFile
{
    private const int BufferSize = 128 * 1024;

    private readonly string _path;
    private readonly bool _isDirectory;

    private NewFile(string path, bool isDirectory)
    {
        _path = path;
        _isDirectory = isDirectory;
    }

    /// <summary>Rejects a destination that cannot be written, before any work.</summary>
    public static NewFile Prepare(string path, bool isDirectory, bool replace)
    {
        if (Directory.Exists(path) ? !isDirectory || Directory.EnumerateFileSystemEntries(path).Any() : File.Exists(path) && (isDirectory || !replace))
        {
            throw ErrorCatalog.FileExists.ToException(path, null, path);
        }

        string? parent = Path.GetDirectoryName(path);
        return parent is null || Directory.Exists(parent)
            ? new NewFile(path, isDirectory)
            : throw ErrorCatalog.PathNotFound.ToException(parent, null, parent);
    }

    public async Task WriteAsync(Func<IArchiveOutput, Task> write, CancellationToken cancellationToken)
    {
        string temporary = Path.Combine(Path.GetDirectoryName(_path)!, $".{Path.GetFileName(_path)}.{Guid.NewGuid():n}.partial");
        try
        {
            if (_isDirectory)
            {
                Directory.CreateDirectory(temporary);
                await write(new DirectoryOutput(temporary)).ConfigureAwait(false);
                if (Directory.Exists(_path))
                {
                    // The directory is empty; Prepare has checked that.
                    Directory.Delete(_path);
                }

                LastingFile.SynchronizeFileSystem(temporary);
                Directory.Move(temporary, _path);
                LastingFile.SynchronizeFolder(Path.GetDirectoryName(_path)!);
                return;
            }

            OutputPlace place = OutputPlace.Of(_path);
            if (place.IsSpecial)
            {
                ThroughStream through = await place.OpenThroughAsync(cancellationToken).ConfigureAwait(false);
                await using (through.ConfigureAwait(false))
                {
                    await write(new TarOutput(through)).ConfigureAwait(false);
                }

                return;
            }

            using StagedFile file = place.Stage();
            BufferedStream buffer = new(file.Stream, BufferSize);
            await write(new TarOutput(buffer)).ConfigureAwait(false);
            await buffer.FlushAsync(cancellationToken).ConfigureAwait(false);
            file.Publish();
        }
        catch (Exception exception)
        {
            Discard(temporary);
            if (exception is IOException and not FileNotFoundException or UnauthorizedAccessException)
            {
                throw ErrorCatalog.FileNotWritable.ToException(_path, exception, _path, exception.Message);
            }

            throw;
        }
    }

    /// <summary>Removes an unfinished file. A failure is not reported, since another error is under way.</summary>
    private static void Discard(string temporary)
    {
        try
        {
            if (Directory.Exists(temporary))
            {
                TreeRemoval.Remove(temporary);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }
}
