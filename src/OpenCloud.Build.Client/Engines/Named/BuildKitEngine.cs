using System.Net;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Named;

/// <summary>An engine that is registered under a name: one node, or several as one.</summary>
public sealed record BuildKitEngine
{
    /// <summary>The name.</summary>
    public required string Name { get; init => field = TerminalText.Line(value); }

    /// <summary>The name again: it is accepted wherever an address is.</summary>
    public string Address => Name;

    /// <summary>Whether it is the engine of builds that name none.</summary>
    public bool IsDefault { get; init; }

    /// <summary>The engines that the name means.</summary>
    public IReadOnlyList<EngineNode> Nodes { get; init => field = TextList<EngineNode>.Of(value); } = TextList<EngineNode>.Empty;

    /// <summary>The platforms that its nodes are registered for; empty for those that their workers report.</summary>
    public IReadOnlyList<string> Platforms => TextList<string>.Of([.. Nodes.SelectMany(static n => n.GetPlatforms()).Distinct()]);

    /// <summary>Names and values by which engines are selected.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init => field = TerminalText.Plain(value); } = TextMap.Empty;

    /// <summary>The caches that builds import when they name none, in docker's form.</summary>
    public IReadOnlyList<string> CacheFrom { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>The caches that builds export to when they name none, in docker's form.</summary>
    public IReadOnlyList<string> CacheTo { get; init => field = TerminalText.Names(value); } = TextList<string>.Empty;

    /// <summary>Whether plain TCP to other machines is allowed.</summary>
    public bool AllowPlainTcp { get; init; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Whether a text can be a name: letters, digits and <c>. _ -</c>, first a letter or a digit, at most 63; and no IP address or short form of one of an engine.</summary>
    /// <param name="text">The text.</param>
    public static bool IsName(string? text) =>
        text is { Length: > 0 and <= 63 }
        && char.IsAsciiLetterOrDigit(text[0])
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
        && text != "docker"
        && !(text.Count(static c => c == '.') == 3 && IPAddress.TryParse(text, out _));
}
