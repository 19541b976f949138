namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>A place in the tokens of a source, and whether the ends of lines count there.</summary>
internal sealed class HclCursor(HclSource source, HclPosition? origin = null)
{
    private readonly Stack<bool> _newlines = new([true]);
    private HclToken? _next;
    private int _depth;

    public HclSource Source => source;

    /// <summary>Where the next token or character is looked for.</summary>
    public int Offset { get; private set; }

    // A text within another, as JSON has them, is where its string begins.
    public HclPosition At(int offset) => origin ?? source.At(offset);

    public HclPosition At(HclToken token) => At(token.Start);

    public HclToken Peek()
    {
        if (_next is { } known)
        {
            return known;
        }

        HclToken token = HclLexer.Next(source, Offset);
        while (token.Kind == HclTokenKind.Newline && !_newlines.Peek())
        {
            token = HclLexer.Next(source, token.End);
        }

        _next = token;
        return token;
    }

    public HclToken Take()
    {
        HclToken token = Peek();
        MoveTo(token.End);
        return token;
    }

    public void MoveTo(int offset)
    {
        Offset = offset;
        _next = null;
    }

    public bool TryTake(string symbol)
    {
        if (!Peek().Is(symbol))
        {
            return false;
        }

        Take();
        return true;
    }

    public HclToken Expect(string symbol, string after)
    {
        HclToken token = Peek();
        return token.Is(symbol) ? Take() : throw new HclException($"{after} '{symbol}' is expected, but found {token.Shown}.", At(token));
    }

    public void SkipNewlines()
    {
        while (Peek().Kind == HclTokenKind.Newline)
        {
            Take();
        }
    }

    /// <summary>From here to <see cref="Pop"/> the ends of lines count, or do not.</summary>
    public void Push(bool newlines)
    {
        if (++_depth > HclBudget.MostDepth)
        {
            throw new HclException("brackets are nested too deeply.", At(Offset), isBudget: true);
        }

        _newlines.Push(newlines);
        _next = null;
    }

    public void Pop()
    {
        _depth--;
        _newlines.Pop();
        _next = null;
    }

    /// <summary>Counts what is within each other without brackets: signs and conditions.</summary>
    public void Enter()
    {
        if (++_depth > HclBudget.MostDepth)
        {
            throw new HclException("the expression is too deep.", At(Offset), isBudget: true);
        }
    }

    public void Leave() => _depth--;
}
