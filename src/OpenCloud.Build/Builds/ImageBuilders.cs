namespace OpenCloud.Build.Builds;

internal static class ImageBuilders
{
    /// <summary>Creates the builder; tests of the input checks replace it.</summary>
    public static Func<IImageBuilder> Create { get; set; } = static () => new EngineImageBuilder();
}
