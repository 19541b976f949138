namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Reads bodies: attributes and blocks.</summary>
/// <remarks>The grammar is that of HCL's native syntax (hashicorp/hcl, hclsyntax/spec.md).</remarks>
internal sealed class HclParser
{
    private readonly HclCursor _cursor;
    private readonly HclExpressionParser _expressions;

    private HclParser(HclCursor cursor)
    {
        _cursor = cursor;
        _expressions = new HclExpressionParser(cursor);
    }

    public static HclBody Parse(string file, string text)
    {
        HclParser parser = new(new HclCursor(new HclSource(file, text)));
        return parser.Body(isFile: true);
    }

    /// <summary>Reads an expression that is the whole source.</summary>
    public static HclExpression ParseExpression(HclSource source, HclPosition? origin = null)
    {
        HclCursor cursor = new(source, origin);
        cursor.Push(newlines: false);
        HclExpression expression = new HclExpressionParser(cursor).Expression();
        HclToken rest = cursor.Peek();
        return rest.Kind == HclTokenKind.End ? expression : throw new HclException($"unexpected {rest.Shown} after the expression.", cursor.At(rest));
    }

    /// <summary>Reads a template from a JSON string.</summary>
    public static HclExpression ParseTemplate(HclSource source, HclPosition origin)
    {
        HclCursor cursor = new(source, origin);
        return new HclTemplateParser(cursor, new HclExpressionParser(cursor)).Whole();
    }

    private HclBody Body(bool isFile)
    {
        Dictionary<string, HclAttribute> attributes = new(StringComparer.Ordinal);
        List<HclBlock> blocks = [];
        while (true)
        {
            _cursor.SkipNewlines();
            HclToken name = _cursor.Peek();
            if (name.Kind == HclTokenKind.End || (!isFile && name.Is("}")))
            {
                return new HclBody([.. attributes.Values], blocks);
            }

            if (name.Kind != HclTokenKind.Identifier)
            {
                throw new HclException($"an attribute or a block is expected, but found {name.Shown}.", _cursor.At(name));
            }

            _cursor.Take();
            if (_cursor.Peek().Is("="))
            {
                AddAttribute(attributes, name);
                EndLine(isFile);
            }
            else
            {
                blocks.Add(Block(name));
                EndLine(isFile);
            }
        }
    }

    private void AddAttribute(Dictionary<string, HclAttribute> attributes, HclToken name)
    {
        _cursor.Take();
        HclPosition position = _cursor.At(name);
        if (attributes.TryGetValue(name.Text, out HclAttribute? before))
        {
            throw new HclException($"'{name.Text}' is already defined in line {before.Position.Line}.", position);
        }

        attributes.Add(name.Text, new HclAttribute(name.Text, _expressions.Expression(), position));
    }

    private HclBlock Block(HclToken type)
    {
        List<string> labels = [];
        while (!_cursor.Peek().Is("{"))
        {
            HclToken label = _cursor.Peek();
            switch (label.Kind)
            {
                case HclTokenKind.Identifier:
                    _cursor.Take();
                    labels.Add(label.Text);
                    break;
                case HclTokenKind.Quote:
                    labels.Add(_expressions.Term().Template ?? throw new HclException("the label of a block must be a constant string.", _cursor.At(label)));
                    break;
                default:
                    throw new HclException($"after '{type.Text}' a '=' or a block in braces is expected, but found {label.Shown}.", _cursor.At(label));
            }
        }

        HclToken brace = _cursor.Take();
        _cursor.Push(newlines: true);
        HclBody body = Body(isFile: false);
        _cursor.Pop();
        if (!_cursor.TryTake("}"))
        {
            throw new HclException($"the brace of the block '{type.Text}' is not closed.", _cursor.At(brace));
        }

        return new HclBlock(type.Text, labels, body, _cursor.At(type));
    }

    private void EndLine(bool isFile)
    {
        HclToken end = _cursor.Peek();
        if (end.Kind is HclTokenKind.Newline or HclTokenKind.End || (!isFile && end.Is("}")))
        {
            return;
        }

        throw new HclException($"the end of the line is expected, but found {end.Shown}.", _cursor.At(end));
    }
}
