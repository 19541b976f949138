using System.Globalization;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Images;

internal sealed class ByteProgress(IPipelinePoster poster, string activity) : IProgress<long>
{
    private long _bytes;

    public void Report(long value) => poster.Progress(new ProgressSnapshot(
        activity, string.Create(CultureInfo.InvariantCulture, $"{Interlocked.Add(ref _bytes, value) / 1048576.0:0.0} MiB")));
}
