using System.Globalization;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// The time that an image gives for all it has: what reproducible-builds.org calls SOURCE_DATE_EPOCH. With it two builds of the same tree
/// have the same digest.
/// </summary>
/// <param name="Epoch">Seconds since 1970 in UTC.</param>
/// <param name="RewriteTimestamps">
/// True to put files in layers that are newer than it down to it; without it only the config's and the index's times are set. The image is
/// then not unpacked at once in an engine's store, since the exporter does not do both (moby/buildkit, exporter/containerimage/export.go).
/// </param>
public sealed record SourceDate(long Epoch, bool RewriteTimestamps)
{
    /// <summary>The name of the build argument that frontend and exporters read.</summary>
    internal const string ArgumentName = "SOURCE_DATE_EPOCH";

    /// <summary>The seconds as digits.</summary>
    internal string Text => Epoch.ToString(CultureInfo.InvariantCulture);
}
