using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Addresses of engines and stores as users give them.</summary>
internal static class EngineArguments
{
    /// <summary>Reads an address, or answers nothing when there is none.</summary>
    /// <exception cref="BuildErrorException">It is no address.</exception>
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
}
