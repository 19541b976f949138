using OpenCloud.Build.Builds;

namespace OpenCloud.Build.Nodes;

internal static class ImageBuilders
{
    /// <summary>Creates the builder; tests of the input checks replace it.</summary>
    public static Func<IImageBuilder> Create { get; set; } = static () => new NodeImageBuilder(new EngineImageBuilder());
}
