namespace OpenCloud.Build.Definitions.Hcl;

internal sealed class HclExpressionParser(HclCursor cursor)
{
    private HclTemplateParser? _templates;

    private HclTemplateParser Templates => _templates ??= new HclTemplateParser(cursor, this);

    /// <summary>Reads a conditional, or an expression of higher precedence.</summary>
    public HclExpression Expression()
    {
        cursor.Enter();
        try
        {
            HclExpression condition = Binary(0);
            if (!cursor.Peek().Is("?"))
            {
                return condition;
            }

            HclToken mark = cursor.Take();
            HclExpression yes = Expression();
            cursor.Expect(":", "after the first result of a condition");
            return new HclConditionalExpression(condition, yes, Expression(), cursor.At(mark));
        }
        finally
        {
            cursor.Leave();
        }
    }

    /// <summary>Reads a term and the indexes, attributes and splats after it.</summary>
    public HclExpression Term()
    {
        HclToken token = cursor.Peek();
        HclPosition position = cursor.At(token);
        HclExpression term = Simple(token, position);
        return Steps(term, position);
    }

    private HclExpression Binary(int level)
    {
        if (level == HclBinaryExpression.Levels.Length)
        {
            return Unary();
        }

        HclExpression left = Binary(level + 1);
        int entered = 0;
        while (cursor.Peek() is { Kind: HclTokenKind.Symbol } sign && HclBinaryExpression.Levels[level].Contains(sign.Text))
        {
            cursor.Take();
            cursor.Enter();
            entered++;
            left = new HclBinaryExpression(sign.Text, left, Binary(level + 1), cursor.At(sign));
        }

        for (; entered > 0; entered--)
        {
            cursor.Leave();
        }

        return left;
    }

    private HclExpression Unary()
    {
        HclToken sign = cursor.Peek();
        if (!sign.Is("-") && !sign.Is("!"))
        {
            return Term();
        }

        cursor.Take();
        cursor.Enter();
        HclUnaryExpression unary = new(sign.Text, Unary(), cursor.At(sign));
        cursor.Leave();
        return unary;
    }

    private HclExpression Simple(HclToken token, HclPosition position)
    {
        switch (token.Kind)
        {
            case HclTokenKind.Number:
                cursor.Take();
                return new HclLiteralExpression(
                    HclValue.From(HclConversion.ParseNumber(token.Text) ?? throw new HclException($"the number '{token.Text}' is too large.", position)), position);
            case HclTokenKind.Quote:
                cursor.Take();
                return Templates.Quoted(token);
            case HclTokenKind.Heredoc:
                cursor.Take();
                return Templates.Heredoc(token);
            case HclTokenKind.Identifier:
                cursor.Take();
                return Word(token, position);
            case HclTokenKind.Symbol when token.Text == "(":
                return Within("(", ")", () => new HclBracketExpression(Expression(), position));
            case HclTokenKind.Symbol when token.Text == "[":
                return Within("[", "]", () => Tuple(position));
            case HclTokenKind.Symbol when token.Text == "{":
                return Object(position);
            default:
                throw new HclException($"a value is expected, but found {token.Shown}.", position);
        }
    }

    private HclExpression Word(HclToken token, HclPosition position)
    {
        if (cursor.Peek().Is("("))
        {
            return Within("(", ")", () => Call(token.Text, position));
        }

        return token.Text switch
        {
            "true" => new HclLiteralExpression(HclValue.True, position, token.Text),
            "false" => new HclLiteralExpression(HclValue.False, position, token.Text),
            "null" => new HclLiteralExpression(HclValue.Null, position, token.Text),
            _ => new HclReferenceExpression(token.Text, [], position),
        };
    }

    private HclExpression Within(string open, string close, Func<HclExpression> read)
    {
        HclToken bracket = cursor.Expect(open, "here");
        cursor.Push(newlines: false);
        HclExpression inner = read();
        HclToken end = cursor.Peek();
        if (!end.Is(close))
        {
            throw new HclException($"the bracket '{open}' in line {cursor.At(bracket).Line} is not closed: found {end.Shown}.", cursor.At(end));
        }

        int after = end.End;
        cursor.Pop();
        cursor.MoveTo(after);
        return inner;
    }

    private HclCallExpression Call(string name, HclPosition position)
    {
        List<HclExpression> arguments = [];
        bool expands = false;
        while (!cursor.Peek().Is(")"))
        {
            arguments.Add(Expression());
            if (cursor.TryTake("..."))
            {
                expands = true;
                break;
            }

            if (!cursor.TryTake(","))
            {
                break;
            }
        }

        return new HclCallExpression(name, arguments, expands, position);
    }

    private HclExpression Tuple(HclPosition position)
    {
        if (cursor.Peek().IsWord("for"))
        {
            return For(position, isObject: false);
        }

        List<HclExpression> items = [];
        while (!cursor.Peek().Is("]"))
        {
            items.Add(Expression());
            if (!cursor.TryTake(","))
            {
                break;
            }
        }

        return new HclTupleExpression(items, position);
    }

    private HclExpression Object(HclPosition position)
    {
        HclToken brace = cursor.Take();
        cursor.Push(newlines: true);
        cursor.SkipNewlines();
        if (cursor.Peek().IsWord("for") && !IsKey())
        {
            cursor.Pop();
            cursor.MoveTo(brace.Start);
            return Within("{", "}", () => For(position, isObject: true));
        }

        List<(HclExpression Key, HclExpression Value)> items = [];
        while (true)
        {
            cursor.SkipNewlines();
            if (cursor.Peek().Is("}"))
            {
                break;
            }

            HclExpression key = Expression();
            if (key is HclReferenceExpression { Steps.Count: > 0 } or HclSplatExpression)
            {
                throw new HclException("a key with a dot must be in quotes, or in parentheses if it is a reference.", key.Position);
            }

            HclToken sign = cursor.Peek();
            if (!sign.Is("=") && !sign.Is(":"))
            {
                throw new HclException($"after a key '=' is expected, but found {sign.Shown}.", cursor.At(sign));
            }

            cursor.Take();
            items.Add((key, Expression()));
            HclToken next = cursor.Peek();
            if (next.Is(",") || next.Kind == HclTokenKind.Newline)
            {
                cursor.Take();
            }
            else if (!next.Is("}"))
            {
                throw new HclException($"after a value ',' or the end of the line is expected, but found {next.Shown}.", cursor.At(next));
            }
        }

        int after = cursor.Peek().End;
        cursor.Pop();
        cursor.MoveTo(after);
        return new HclObjectExpression(items, position);
    }

    // 'for' may be a key of an object.
    private bool IsKey()
    {
        int offset = cursor.Offset;
        cursor.Take();
        HclToken next = cursor.Peek();
        cursor.MoveTo(offset);
        return next.Is("=") || next.Is(":");
    }

    private HclForExpression For(HclPosition position, bool isObject)
    {
        cursor.Take();
        (string? keyName, string valueName) = ForNames();
        HclExpression collection = Expression();
        cursor.Expect(":", "after the collection of 'for'");
        HclExpression first = Expression();
        HclExpression? value = null;
        bool isGrouped = false;
        if (isObject)
        {
            cursor.Expect("=>", "after the key of 'for'");
            value = Expression();
            isGrouped = cursor.TryTake("...");
        }

        HclExpression? condition = null;
        if (cursor.Peek().IsWord("if"))
        {
            cursor.Take();
            condition = Expression();
        }

        return new HclForExpression(position)
        {
            KeyName = keyName,
            ValueName = valueName,
            Collection = collection,
            Key = value is null ? null : first,
            Value = value ?? first,
            Condition = condition,
            IsGrouped = isGrouped,
        };
    }

    internal (string? Key, string Value) ForNames()
    {
        string first = Name();
        string? second = cursor.TryTake(",") ? Name() : null;
        HclToken word = cursor.Take();
        return word.IsWord("in")
            ? (second is null ? null : first, second ?? first)
            : throw new HclException($"after the names of 'for' the word 'in' is expected, but found {word.Shown}.", cursor.At(word));
    }

    private string Name()
    {
        HclToken name = cursor.Take();
        return name.Kind == HclTokenKind.Identifier ? name.Text : throw new HclException($"a name is expected, but found {name.Shown}.", cursor.At(name));
    }

    private HclExpression Steps(HclExpression term, HclPosition position)
    {
        List<HclStep> steps = [];
        while (true)
        {
            HclToken next = cursor.Peek();
            if (next.Is("."))
            {
                cursor.Take();
                HclToken step = cursor.Peek();
                if (step.Is("*"))
                {
                    cursor.Take();
                    return Steps(Splat(Flush(), position, isFull: false), position);
                }

                steps.AddRange(Names(step));
            }
            else if (next.Is("["))
            {
                if (IsFullSplat(next))
                {
                    return Steps(Splat(Flush(), position, isFull: true), position);
                }

                HclPosition at = cursor.At(next);
                steps.Add(new HclStep(null, Within("[", "]", Expression), at));
            }
            else
            {
                return Flush();
            }
        }

        HclExpression Flush()
        {
            IReadOnlyList<HclStep> taken = [.. steps];
            steps.Clear();
            return taken.Count == 0 ? term : term is HclReferenceExpression { Steps.Count: 0 } reference
                ? new HclReferenceExpression(reference.Name, taken, position)
                : new HclStepsExpression(term, taken, position);
        }
    }

    private List<HclStep> Names(HclToken step)
    {
        cursor.Take();
        HclPosition at = cursor.At(step);
        return step.Kind switch
        {
            HclTokenKind.Identifier => [new HclStep(step.Text, null, at)],
            // The legacy index 'list.0'. Of two, such as 'list.0.1', the lexer makes one number.
            HclTokenKind.Number => [.. step.Text.Split('.').Select(n => new HclStep(null, new HclLiteralExpression(HclValue.From(HclConversion.ParseNumber(n) ?? -1), at), at))],
            _ => throw new HclException($"after '.' a name is expected, but found {step.Shown}.", at),
        };
    }

    private bool IsFullSplat(HclToken bracket)
    {
        HclToken star = HclLexer.Next(cursor.Source, bracket.End);
        HclToken end = HclLexer.Next(cursor.Source, star.End);
        if (!star.Is("*") || !end.Is("]"))
        {
            return false;
        }

        cursor.MoveTo(end.End);
        return true;
    }

    // A full splat [*] applies all steps to each element, an attribute-only splat .* those after a dot.
    private HclSplatExpression Splat(HclExpression inner, HclPosition position, bool isFull)
    {
        List<HclStep> steps = [];
        while (true)
        {
            HclToken next = cursor.Peek();
            if (next.Is(".") && !HclLexer.Next(cursor.Source, next.End).Is("*"))
            {
                cursor.Take();
                steps.AddRange(Names(cursor.Peek()));
            }
            else if (isFull && next.Is("[") && !HclLexer.Next(cursor.Source, next.End).Is("*"))
            {
                HclPosition at = cursor.At(next);
                steps.Add(new HclStep(null, Within("[", "]", Expression), at));
            }
            else
            {
                return new HclSplatExpression(inner, steps, position);
            }
        }
    }
}
