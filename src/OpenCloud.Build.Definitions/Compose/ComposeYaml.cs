using OpenCloud.Build.Definitions.Model;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>Parses YAML into nodes. Aliases share their anchor's node, merge keys are resolved, and <c>ComposeInterpolation</c> counts the copies.</summary>
internal sealed class ComposeYaml
{
    private const int MostDepth = 100;
    private const int MostNodes = 200_000;
    private const int MostDocuments = 100;
    private const int MostMerged = 200_000;

    private readonly string _file;
    private readonly Parser _parser;
    private readonly Dictionary<string, ComposeNode> _anchors = new(StringComparer.Ordinal);
    private int _nodes;
    private int _merged;

    private ComposeYaml(string file, string text)
    {
        _file = file;
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
    }

    /// <exception cref="DefinitionException">The text is not valid YAML, or exceeds a limit.</exception>
    public static IReadOnlyList<ComposeNode> Parse(string file, string text)
    {
        try
        {
            return new ComposeYaml(file, text).Documents();
        }
        catch (YamlException exception)
        {
            throw new DefinitionException("the YAML is invalid: " + exception.Message, file, (int)exception.Start.Line, exception);
        }
        catch (InvalidOperationException exception)
        {
            // YamlDotNet's scanner (18.1.0) throws this on a control character within a plain scalar of a flow mapping.
            throw new DefinitionException("the YAML is invalid: a plain scalar has a character that it cannot have.", file, inner: exception);
        }
    }

    private List<ComposeNode> Documents()
    {
        List<ComposeNode> documents = [];
        _parser.Consume<StreamStart>();
        while (!_parser.TryConsume<StreamEnd>(out _))
        {
            DocumentStart start = _parser.Consume<DocumentStart>();
            if (documents.Count == MostDocuments)
            {
                throw new DefinitionException($"the file has more than {MostDocuments} documents.", _file, (int)start.Start.Line);
            }

            _anchors.Clear();
            documents.Add(Node(0));
            _parser.Consume<DocumentEnd>();
        }

        return documents;
    }

    private ComposeNode Node(int depth)
    {
        ParsingEvent next = _parser.Consume<ParsingEvent>();
        int line = (int)next.Start.Line;
        if (depth > MostDepth || ++_nodes > MostNodes)
        {
            throw new DefinitionException("the document is too deep or has too many parts.", _file, line);
        }

        if (next is AnchorAlias alias)
        {
            // An anchor is only known after its node has ended, so no node can contain itself.
            return _anchors.TryGetValue(alias.Value.Value, out ComposeNode? known) ? known : throw new DefinitionException($"the anchor '{alias.Value}' is not defined before this alias.", _file, line);
        }

        // For some input the parser reports a key without a value.
        NodeEvent start = next as NodeEvent ?? throw new DefinitionException("the YAML is invalid: a value is missing.", _file, line);
        ComposeTag tag = start.Tag.IsEmpty ? ComposeTag.None : start.Tag.Value switch
        {
            "!reset" => ComposeTag.Reset,
            "!override" => ComposeTag.Override,
            _ => ComposeTag.None,
        };
        ComposeNode node = start switch
        {
            MappingStart => Mapping(line, tag, depth),
            SequenceStart => Sequence(line, tag, depth),
            Scalar scalar => ComposeNode.Scalar(_file, line, scalar.Value, scalar.Style == ScalarStyle.Plain && (start.Tag.IsEmpty || tag != ComposeTag.None), tag),
            _ => throw new DefinitionException("a value is expected here.", _file, line),
        };
        if (!start.Anchor.IsEmpty)
        {
            _anchors[start.Anchor.Value] = node;
        }

        return node;
    }

    private ComposeNode Sequence(int line, ComposeTag tag, int depth)
    {
        List<ComposeNode> items = [];
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Node(depth + 1));
        }

        return ComposeNode.Sequence(_file, line, items, tag);
    }

    private ComposeNode Mapping(int line, ComposeTag tag, int depth)
    {
        Dictionary<string, ComposeNode> entries = new(StringComparer.Ordinal);
        List<ComposeNode> merged = [];
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            ComposeNode key = Node(depth + 1);
            string name = key.Entries is null && key.Items is null ? key.Value : throw key.Refuse("a key must be a string.");
            ComposeNode value = Node(depth + 1);
            if (name == "<<" && key.IsPlain)
            {
                merged.AddRange(value.Items is { } several ? several : [value]);
            }
            else if (!entries.TryAdd(name, value))
            {
                throw key.Refuse($"'{name}' is already defined in line {entries[name].Line}.");
            }
        }

        // The mapping's own entries win over merged ones; among those, the first wins.
        foreach ((string name, ComposeNode value) in merged.SelectMany(m => m.Entries ?? throw m.Refuse("'<<' requires a mapping.")))
        {
            entries.TryAdd(name, value);
            if (++_merged > MostMerged)
            {
                throw new DefinitionException("merge keys expand to too many values.", _file, line);
            }
        }

        return ComposeNode.Mapping(_file, line, entries, tag);
    }
}
