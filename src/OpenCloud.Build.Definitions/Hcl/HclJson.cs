using System.Text;
using System.Text.Json;

namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Says which members of a JSON object are blocks; the others are attributes.</summary>
internal sealed record HclJsonSchema(int Labels, IReadOnlyDictionary<string, HclJsonSchema> Blocks);

/// <summary>Reads bodies from JSON: strings are templates, objects are bodies where the schema has a block.</summary>
/// <remarks>The form is that of HCL's JSON syntax (hashicorp/hcl, json/spec.md).</remarks>
internal sealed class HclJson
{
    private readonly string _file;
    private readonly byte[] _bytes;
    private readonly List<int> _lines = [0];

    private HclJson(string file, string text)
    {
        _file = file;
        _bytes = Encoding.UTF8.GetBytes(text);
        for (int i = 0; i < _bytes.Length; i++)
        {
            if (_bytes[i] == '\n')
            {
                _lines.Add(i + 1);
            }
        }
    }

    public static HclBody Parse(string file, string text, HclJsonSchema schema)
    {
        HclJson json = new(file, text);
        Node root;
        try
        {
            Utf8JsonReader reader = new(json._bytes, new JsonReaderOptions { MaxDepth = 100 });
            reader.Read();
            root = json.Read(ref reader);
            reader.Read();
        }
        catch (JsonException exception)
        {
            throw new HclException(
                "the JSON is invalid: " + exception.Message.Split(" LineNumber:")[0],
                new HclPosition(file, (int)(exception.LineNumber ?? 0) + 1, (int)(exception.BytePositionInLine ?? 0) + 1),
                exception);
        }

        return Body(root, schema);
    }

    private static HclBody Body(Node node, HclJsonSchema schema)
    {
        List<HclAttribute> attributes = [];
        List<HclBlock> blocks = [];
        foreach (Node part in node.Items is { } items ? items : [node])
        {
            if (part.Members is not { } members)
            {
                throw new HclException("an object is expected here.", part.Position);
            }

            foreach ((string name, HclPosition position, Node value) in members)
            {
                if (schema.Blocks.TryGetValue(name, out HclJsonSchema? block))
                {
                    AddBlocks(blocks, name, value, block, block.Labels, [], position);
                }
                else if (name != "//")
                {
                    attributes.Add(new HclAttribute(name, Expression(value), position));
                }
            }
        }

        return new HclBody(attributes, blocks);
    }

    private static void AddBlocks(List<HclBlock> blocks, string type, Node node, HclJsonSchema schema, int labels, string[] given, HclPosition position)
    {
        foreach (Node part in node.Items is { } items ? items : [node])
        {
            if (labels == 0)
            {
                blocks.Add(new HclBlock(type, given, Body(part, schema), position));
                continue;
            }

            foreach ((string label, HclPosition at, Node value) in part.Members ?? throw new HclException($"an object with the names of '{type}' is expected here.", part.Position))
            {
                AddBlocks(blocks, type, value, schema, labels - 1, [.. given, label], at);
            }
        }
    }

    private static HclExpression Expression(Node node)
    {
        if (node.Items is { } items)
        {
            return new HclTupleExpression([.. items.Select(Expression)], node.Position);
        }

        if (node.Members is { } members)
        {
            return new HclObjectExpression(
                [.. members.Select(static m => (HclParser.ParseTemplate(new HclSource(m.Position.File, m.Name), m.Position), Expression(m.Value)))], node.Position);
        }

        return node.Value is { Kind: HclKind.Text } text
            ? HclParser.ParseTemplate(new HclSource(node.Position.File, text.Text), node.Position)
            : new HclLiteralExpression(node.Value!, node.Position);
    }

    private HclPosition At(long offset)
    {
        int line = _lines.BinarySearch((int)offset);
        line = line < 0 ? ~line - 1 : line;
        return new HclPosition(_file, line + 1, (int)offset - _lines[line] + 1);
    }

    private Node Read(ref Utf8JsonReader reader)
    {
        HclPosition position = At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                List<(string, HclPosition, Node)> members = [];
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    HclPosition at = At(reader.TokenStartIndex);
                    string name = Text(ref reader, at);
                    reader.Read();
                    members.Add((name, at, Read(ref reader)));
                }

                return new Node(position, null, null, members);
            case JsonTokenType.StartArray:
                List<Node> items = [];
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(Read(ref reader));
                }

                return new Node(position, null, items, null);
            case JsonTokenType.String:
                return new Node(position, HclValue.From(Text(ref reader, position)), null, null);
            case JsonTokenType.Number:
                string digits = Encoding.ASCII.GetString(reader.ValueSpan);
                return new Node(position, HclValue.From(HclConversion.ParseNumber(digits) ?? throw new HclException($"the number '{digits}' is too large.", position)), null, null);
            case JsonTokenType.True or JsonTokenType.False:
                return new Node(position, HclValue.From(reader.TokenType == JsonTokenType.True), null, null);
            default:
                return new Node(position, HclValue.Null, null, null);
        }
    }

    private static string Text(ref Utf8JsonReader reader, HclPosition position)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw new HclException("the string is not valid text: an unpaired surrogate or invalid UTF-8.", position, exception);
        }
    }

    private sealed record Node(HclPosition Position, HclValue? Value, List<Node>? Items, List<(string Name, HclPosition Position, Node Value)>? Members);
}
