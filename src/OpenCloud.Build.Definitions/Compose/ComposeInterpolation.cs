using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>Copies a document with its variables substituted, and records the paths that have <c>!reset</c> or <c>!override</c>.</summary>
internal sealed class ComposeInterpolation(Func<string, string?> lookup, Action<string>? onUnset)
{
    /// <summary>The maximum number of nodes of a document, with aliases copied.</summary>
    private const int MostNodes = 100_000;

    private const int MostResets = 1000;

    private readonly ComposeTemplate _template = new(lookup, onUnset);
    private int _nodes;

    /// <summary>The paths to remove from earlier files.</summary>
    public List<string[]> Resets { get; } = [];

    public ComposeNode? Apply(ComposeNode node) => Apply(node, []);

    private ComposeNode? Apply(ComposeNode node, string[] path)
    {
        if (++_nodes > MostNodes)
        {
            throw new DefinitionException("the document has too many parts once its anchors are copied.", node.File, node.Line);
        }

        if (node.Tag != ComposeTag.None)
        {
            Resets.Add(path);
            if (Resets.Count > MostResets)
            {
                throw new DefinitionException($"the document has more than {MostResets} of !reset and !override.", node.File, node.Line);
            }
        }

        if (node.Tag == ComposeTag.Reset)
        {
            return null;
        }

        if (node.Entries is { } entries)
        {
            Dictionary<string, ComposeNode> copied = new(StringComparer.Ordinal);
            foreach ((string name, ComposeNode value) in entries)
            {
                if (Apply(value, [.. path, name]) is { } entry)
                {
                    copied[name] = entry;
                }
            }

            return ComposeNode.Mapping(node.File, node.Line, copied);
        }

        if (node.Items is { } items)
        {
            return ComposeNode.Sequence(node.File, node.Line, [.. items.Select(i => Apply(i, [.. path, "*"])).OfType<ComposeNode>()]);
        }

        if (!node.Value.Contains('$', StringComparison.Ordinal))
        {
            return node;
        }

        try
        {
            return node.Text(_template.Substitute(node.Value));
        }
        catch (FormatException exception)
        {
            throw new DefinitionException($"'{string.Join('.', path)}': {exception.Message}", node.File, node.Line, exception);
        }
    }
}
