using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

internal static class EngineArguments
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
            throw ErrorCatalog.InvalidAddress.ToException(text, exception, text, exception.Message);
        }
    }

    /// <summary>The options of a connection.</summary>
    /// <exception cref="BuildErrorException">The time to wait is not positive.</exception>
    public static EngineConnectOptions ConnectOptions(TimeSpan connectTimeout, bool allowPlainTcp) => connectTimeout > TimeSpan.Zero
        ? new EngineConnectOptions { ConnectTimeout = connectTimeout, AllowPlainTcp = allowPlainTcp }
        : throw ErrorCatalog.InvalidDuration.ToException(connectTimeout, null, "ConnectTimeout");
}
