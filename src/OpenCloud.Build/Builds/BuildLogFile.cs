using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Builds;

/// <summary>
/// A file for the whole log of one or more builds, written line by line so that others can follow it. Each command truncates it once, and each of its
/// builds appends to it. Devices and named pipes are written directly.
/// </summary>
internal sealed class BuildLogFile : IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly Stream _stream;

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

    public void Begin(string name, CancellationToken cancellationToken) =>
        Write([string.Create(CultureInfo.InvariantCulture, $"# {name} {DateTimeOffset.Now:yyyy-MM-dd HH:mm:ss zzz}")], cancellationToken);

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

    public void End(ImageBuildResult result)
        => Write([string.Create(CultureInfo.InvariantCulture, $"# {result.Digest} in {result.Duration.TotalSeconds:0.0} s, {result.CachedCount} of {result.StepCount} steps cached")]);

    public void Dispose() => _stream.Dispose();

    private BuildErrorException NotWritable(Exception exception) => ErrorCatalog.LogNotWritable.ToException(_path, exception, _path, exception.Message);
}
