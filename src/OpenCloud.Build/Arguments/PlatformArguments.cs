using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

internal static class PlatformArguments
{
    /// <exception cref="BuildErrorException">A platform is invalid.</exception>
    public static List<Platform> Parse(IReadOnlyList<string>? given) =>
    [
        .. (given ?? []).Select(static text => Platform.TryParse(text, out Platform? platform, out string? error)
            ? platform
            : throw ErrorCatalog.InvalidPlatform.ToException(text, null, text, error)),
    ];
}
