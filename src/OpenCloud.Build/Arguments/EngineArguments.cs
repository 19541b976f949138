using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

internal static partial class EngineArguments
{
    /// <summary>Parses an address, or the name of a registered engine; null when the text is null or empty.</summary>
    /// <exception cref="BuildErrorException">The address is invalid, no engine has the name, or the file of named engines cannot be used.</exception>
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
            if (BuildKitEngine.IsName(text.Trim()))
            {
                EngineAddress named = EngineAddress.ForName(text.Trim());
                return IsRegistered(named) ? named : throw ErrorCatalog.EngineNotRegistered.ToException(named.Name, exception, named.Name!);
            }

            throw Invalid(text, exception);
        }
    }

    /// <summary>The error of an invalid address.</summary>
    public static BuildErrorException Invalid(string text, Exception? cause = null)
    {
        string shown = Shown(text);
        return ErrorCatalog.InvalidAddress.ToException(shown, cause, shown, cause?.Message ?? "An engine address must not be empty.");
    }

    private static bool IsRegistered(EngineAddress named)
    {
        try
        {
            return new NamedEngineStore().Find(named.Name!) is not null;
        }
        catch (NamedEngineException exception)
        {
            throw NamedEngineErrors.From(exception, named.Name);
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
