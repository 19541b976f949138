using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>A client whose builds are processes.</summary>
internal sealed class ProcessClient(string name, string title, bool isPeer, string scratch, Func<string, CommandLine> command, bool buildsGraphs = false, string way = BenchWay.Socket)
    : IBenchClient
{
    private readonly string _output = Path.Join(scratch, $"{name}-{way}.log");
    private long _tinyBytes;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Way => way;

    /// <inheritdoc/>
    public string Title => title;

    /// <inheritdoc/>
    public bool IsPeer => isPeer;

    /// <inheritdoc/>
    public bool BuildsGraphs => buildsGraphs;

    /// <inheritdoc/>
    public string Describe(string context) => command(context).ToString();

    /// <inheritdoc/>
    public void Begin(string warmUpContext)
    {
        // The program's file and its libraries are read into memory; nothing else stays of a process.
        _ = Build(warmUpContext);
        _tinyBytes = Build(warmUpContext).PeakBytes;
    }

    /// <inheritdoc/>
    public Sample Build(string context)
    {
        Sample sample = MeasuredProcess.Run(command(context), _output);
        return sample with { AddedBytes = sample.PeakBytes - _tinyBytes };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
