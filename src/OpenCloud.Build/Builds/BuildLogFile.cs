using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Builds;

/// <summary>
/// A file that takes the whole log of one or more builds, line by line as it comes, so that others may follow it. It begins anew with
/// each command and is then added to by each of its builds. A device or a named pipe is written through.
/// </summary>
internal sealed class BuildLogFile : IDisposable
{
    private readonly object _gate = new();
    private readonly string _path;
    private readonly Stream _stream;

    /// <summary>Opens the file.</summary>
    /// <exception cref="BuildErrorException">It cannot be written.</exception>
    public BuildLogFile(string path)
    {
        _path = path;
        try
        {
            _stream = OutputPlace.Of(path).OpenGrowing();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(exception);
        }
    }

    /// <summary>Says which build the lines to come are of.</summary>
    public void Begin(string name, CancellationToken cancellationToken) =>
        Write([string.Create(CultureInfo.InvariantCulture, $"# {name} {DateTimeOffset.Now:yyyy-MM-dd HH:mm:ss zzz}")], cancellationToken);

    /// <summary>Writes lines.</summary>
    /// <param name="lines">The lines.</param>
    /// <param name="cancellationToken">Ends the waiting for a slow reader of a pipe.</param>
    /// <exception cref="BuildErrorException">They cannot be written.</exception>
    public void Write(IReadOnlyCollection<string> lines, CancellationToken cancellationToken = default)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(lines.Select(static l => l + "\n")));
        lock (_gate)
        {
            try
            {
                if (_stream is ThroughStream through)
                {
                    through.Write(text, cancellationToken);
                }
                else
                {
                    _stream.Write(text);
                }
            }
            catch (IOException exception)
            {
                throw NotWritable(exception);
            }
        }
    }

    /// <summary>Writes how a build ended.</summary>
    public void End(ImageBuildResult result)
        => Write([string.Create(CultureInfo.InvariantCulture, $"# {result.Digest} in {result.Duration.TotalSeconds:0.0} s, {result.CachedCount} of {result.StepCount} steps cached")]);

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private BuildErrorException NotWritable(Exception exception) => ErrorCatalog.LogNotWritable.ToException(_path, exception, _path, exception.Message);
}
