using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Platforms as users give them.</summary>
internal static class PlatformArguments
{
    /// <summary>The platforms meant.</summary>
    /// <exception cref="BuildErrorException">One of them is no platform.</exception>
    public static List<Platform> Parse(IReadOnlyList<string>? given) =>
    [
        .. (given ?? []).Select(static text => Platform.TryParse(text, out Platform? platform, out string? error)
            ? platform
            : throw ErrorCatalog.InvalidPlatform.ToException(text, null, text, error)),
    ];
}
