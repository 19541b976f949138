using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Nodes;

internal static class EngineNodes
{
    /// <summary>The engines that an address means, with the options for each: those of a name, else the address itself.</summary>
    /// <exception cref="BuildErrorException">No engine has the name, or the file of named engines cannot be used.</exception>
    public static IReadOnlyList<(EngineAddress Address, EngineConnectOptions Options)> Of(EngineAddress address, EngineConnectOptions options)
    {
        if (address.Name is null)
        {
            return [(address, options)];
        }

        try
        {
            return [.. NamedNodes.Of(NamedNodes.Find(address, options), options).Select(static n => (n.Address, n.Options))];
        }
        catch (EngineConnectException exception)
        {
            throw EngineErrors.From(exception);
        }
    }
}
