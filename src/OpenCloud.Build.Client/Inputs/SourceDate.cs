using System.Globalization;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// The timestamp of everything in an image: SOURCE_DATE_EPOCH of reproducible-builds.org. With it, two builds of the same tree have the same
/// digest.
/// </summary>
/// <param name="Epoch">Seconds since 1970 in UTC.</param>
/// <param name="RewriteTimestamps">
/// True to clamp newer files in layers to the timestamp; otherwise only the times in config and index are set. The image is then not unpacked
/// at once in an engine's store, since the exporter does not do both (moby/buildkit, exporter/containerimage/export.go).
/// </param>
public sealed record SourceDate(long Epoch, bool RewriteTimestamps)
{
    /// <summary>The name of the build argument that frontend and exporters read.</summary>
    public const string ArgumentName = "SOURCE_DATE_EPOCH";

    internal string Text => Epoch.ToString(CultureInfo.InvariantCulture);
}
