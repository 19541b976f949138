using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Building;

/// <summary>
/// A file that takes the whole log of one or more builds, line by line as it comes, so that others may follow it. It begins anew with
/// each command and is then added to by each of its builds.
/// </summary>
internal sealed class BuildLogFile : IDisposable
{
    private readonly object _gate = new();
    private readonly StreamWriter _writer;

    /// <summary>Opens the file.</summary>
    /// <exception cref="BuildErrorException">It cannot be written.</exception>
    public BuildLogFile(string path)
    {
        try
        {
            _writer = new StreamWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete), new UTF8Encoding(false));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ErrorCatalog.LogNotWritable.ToException(path, exception, path, exception.Message);
        }
    }

    /// <summary>Says which build the lines to come are of.</summary>
    public void Begin(string name) => Write([string.Create(CultureInfo.InvariantCulture, $"# {name} {DateTimeOffset.Now:yyyy-MM-dd HH:mm:ss zzz}")]);

    /// <summary>Writes lines.</summary>
    public void Write(IReadOnlyCollection<string> lines)
    {
        lock (_gate)
        {
            foreach (string line in lines)
            {
                _writer.WriteLine(line);
            }

            _writer.Flush();
        }
    }

    /// <summary>Writes how a build ended.</summary>
    public void End(ImageBuildResult result)
        => Write([string.Create(CultureInfo.InvariantCulture, $"# {result.Digest} in {result.Duration.TotalSeconds:0.0} s, {result.CachedCount} of {result.StepCount} steps cached")]);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
