using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

internal static partial class EngineArguments
{
    /// <summary>Parses an address; null when the text is null or empty.</summary>
    /// <exception cref="BuildErrorException">The address is invalid.</exception>
    public static EngineAddress? ParseAddress(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        try
        {
            return EngineAddress.Parse(text);
        }
        catch (FormatException exception)
        {
            string shown = Shown(text);
            throw ErrorCatalog.InvalidAddress.ToException(shown, exception, shown, exception.Message);
        }
    }

    /// <summary>An invalid address as errors show it, without what could be a password.</summary>
    public static string Shown(string text) => Password().Replace(text.Trim(), string.Empty);

    [GeneratedRegex(@"(?<=\A([a-zA-Z][a-zA-Z0-9+.-]*:/*)?[^/:@]*):(?!//).*(?=@)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Password();

    /// <summary>The options of a connection.</summary>
    /// <exception cref="BuildErrorException">The time to wait is not positive.</exception>
    public static EngineConnectOptions ConnectOptions(TimeSpan connectTimeout, bool allowPlainTcp) => connectTimeout > TimeSpan.Zero
        ? new EngineConnectOptions { ConnectTimeout = connectTimeout, AllowPlainTcp = allowPlainTcp }
        : throw ErrorCatalog.InvalidDuration.ToException(connectTimeout, null, "ConnectTimeout");
}
