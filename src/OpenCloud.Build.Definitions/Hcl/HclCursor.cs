namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Reads the tokens of a source, with newlines as tokens or without them.</summary>
internal sealed class HclCursor(HclSource source, HclPosition? origin = null)
{
    private readonly Stack<bool> _newlines = new([true]);
    private HclToken? _next;
    private int _depth;

    public HclSource Source => source;

    public int Offset { get; private set; }

    // With an origin (a string of a JSON document), every position is that origin.
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

    /// <summary>Until <see cref="Pop"/>, newlines are tokens (true) or are skipped (false).</summary>
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

    /// <summary>Counts nesting that has no brackets: operators and conditionals.</summary>
    public void Enter()
    {
        if (++_depth > HclBudget.MostDepth)
        {
            throw new HclException("the expression is too deep.", At(Offset), isBudget: true);
        }
    }

    public void Leave() => _depth--;
}
