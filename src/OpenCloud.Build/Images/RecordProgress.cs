using System.Globalization;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Images;

internal sealed class RecordProgress(IPipelinePoster poster) : IProgress<long>
{
    public void Report(long value) =>
        poster.Progress(new ProgressSnapshot("Reading vulnerability data", string.Create(CultureInfo.InvariantCulture, $"{value:N0} records")));
}
