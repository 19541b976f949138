using System.Globalization;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Images;

/// <summary>The progress of a transfer in bytes; with a percentage as soon as the total is known.</summary>
internal sealed class TransferProgress(IPipelinePoster poster, string activity) : IProgress<long>
{
    private long _bytes;
    private long _total;

    public void SetTotal(long total) => Volatile.Write(ref _total, total);

    public void Report(long value)
    {
        long bytes = Interlocked.Add(ref _bytes, value);
        long total = Volatile.Read(ref _total);
        string done = string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0}");
        string status = total > 0 ? string.Create(CultureInfo.InvariantCulture, $"{done} of {total / 1048576.0:0.0} MiB") : $"{done} MiB";
        poster.Progress(new ProgressSnapshot(activity, status, total > 0 ? (int)Math.Min(100, bytes * 100 / total) : -1));
    }
}
