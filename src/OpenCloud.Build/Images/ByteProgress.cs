using System.Globalization;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Images;

/// <summary>Shows how many bytes have been dealt with.</summary>
internal sealed class ByteProgress(IPipelinePoster poster, string activity) : IProgress<long>
{
    private long _bytes;

    /// <inheritdoc/>
    public void Report(long value) => poster.Progress(new ProgressSnapshot(
        activity, string.Create(CultureInfo.InvariantCulture, $"{Interlocked.Add(ref _bytes, value) / 1048576.0:0.0} MiB")));
}
