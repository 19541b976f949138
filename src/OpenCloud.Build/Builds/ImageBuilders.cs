namespace OpenCloud.Build.Builds;

/// <summary>Gives the cmdlets what carries out their builds.</summary>
internal static class ImageBuilders
{
    /// <summary>Makes the builder; tests of the input's checks put their own here.</summary>
    public static Func<IImageBuilder> Create { get; set; } = static () => new EngineImageBuilder();
}
