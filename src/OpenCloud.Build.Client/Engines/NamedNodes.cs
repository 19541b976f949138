using OpenCloud.Build.Client.Engines.Named;

namespace OpenCloud.Build.Client.Engines;

/// <summary>The nodes of engines that are registered under a name.</summary>
public static class NamedNodes
{
    /// <summary>The engine of an address.</summary>
    /// <param name="address">An address with a name.</param>
    /// <param name="options">The options of the connection; their environment tells where the file is.</param>
    /// <exception cref="EngineConnectException">No engine has the name, or the file cannot be used.</exception>
    public static BuildKitEngine Find(EngineAddress address, EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        string name = address.Name ?? throw new ArgumentException("The address has no name.", nameof(address));
        return Guarded(address, () => new NamedEngineStore(options.GetEnvironmentVariable).Find(name))
            ?? throw new EngineConnectException(EngineConnectReason.NotRegistered, address, $"No engine is registered with the name '{name}'.");
    }

    /// <summary>The nodes of an engine: their addresses, and the options with which each is connected to.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">The options of the caller. TLS of the caller replaces that of the nodes.</param>
    /// <exception cref="EngineConnectException">The address of a node is invalid.</exception>
    public static IReadOnlyList<(EngineNode Node, EngineAddress Address, EngineConnectOptions Options)> Of(BuildKitEngine engine, EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(options);
        return [.. engine.Nodes.Select(node => (
            node,
            Parse(engine, node),
            options with { Tls = options.Tls ?? node.GetTls(), AllowPlainTcp = options.AllowPlainTcp || engine.AllowPlainTcp }))];
    }

    /// <summary>The candidates of a name.</summary>
    /// <exception cref="EngineConnectException">The engine is not registered, or the file cannot be used.</exception>
    internal static IReadOnlyList<EngineCandidate> Candidates(EngineAddress address, EngineConnectOptions options)
    {
        BuildKitEngine engine = Find(address, options);
        return Candidates(engine, $"engine '{engine.Name}'", options, isExplicit: false);
    }

    /// <summary>The candidates of a setting: an address, or the name of a registered engine.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    /// <exception cref="EngineConnectException">The engine is not registered, or the file cannot be used.</exception>
    internal static IReadOnlyList<EngineCandidate> OfSetting(string text, string source, EngineConnectOptions options)
    {
        if (EngineAddress.TryParse(text, out EngineAddress? address))
        {
            return address.Name is null ? [new EngineCandidate(source, address, true)] : Candidates(Find(address, options), source, options, isExplicit: true);
        }

        return BuildKitEngine.IsName(text) && Guarded(null, () => new NamedEngineStore(options.GetEnvironmentVariable).Find(text)) is { } engine
            ? Candidates(engine, source, options, isExplicit: true)
            : [new EngineCandidate(source, EngineAddress.Parse(text), true)];
    }

    /// <summary>The candidates of the default engine; none when there is no default.</summary>
    internal static IReadOnlyList<EngineCandidate> OfDefault(EngineConnectOptions options)
    {
        try
        {
            return Guarded(null, new NamedEngineStore(options.GetEnvironmentVariable).FindDefault) is { } engine
                ? Candidates(engine, $"the default engine '{engine.Name}'", options, isExplicit: true)
                : [];
        }
        catch (EngineConnectException e)
        {
            return [new EngineCandidate("the named engines", null, true, e)];
        }
    }

    /// <summary>The connector of the first node, for what concerns one engine only, such as its image store.</summary>
    /// <exception cref="EngineConnectException">The engine is not registered, or its first node cannot be used.</exception>
    internal static IEngineConnector CreateFirst(EngineAddress address, EngineConnectOptions options)
    {
        (_, EngineAddress first, EngineConnectOptions its) = Of(Find(address, options), options)[0];
        return EngineConnectors.Create(first, its);
    }

    private static IReadOnlyList<EngineCandidate> Candidates(BuildKitEngine engine, string source, EngineConnectOptions options, bool isExplicit) =>
        [.. Of(engine, options).Select(n => new EngineCandidate(source, n.Address, isExplicit) { Options = n.Options })];

    private static EngineAddress Parse(BuildKitEngine engine, EngineNode node)
    {
        try
        {
            return EngineAddress.Parse(node.Address) is { Name: null } address ? address : throw new FormatException("The node of an engine cannot be a name.");
        }
        catch (FormatException e)
        {
            throw new EngineConnectException(EngineConnectReason.BadEngineFile, null, $"The engine '{engine.Name}' has a node that cannot be used: {e.Message}", e);
        }
    }

    private static T Guarded<T>(EngineAddress? address, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (NamedEngineException e)
        {
            EngineConnectReason reason = e.Problem == NamedEngineProblem.FileNotTrusted ? EngineConnectReason.UntrustedEngineFile : EngineConnectReason.BadEngineFile;
            throw new EngineConnectException(reason, address, e.Message, e);
        }
    }
}
