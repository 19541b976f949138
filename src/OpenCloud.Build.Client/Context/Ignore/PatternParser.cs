namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>Compiles the expressions that <see cref="PatternTranslation"/> writes: a small corner of Go's regular expressions.</summary>
/// <remarks>
/// What can occur: literals, escapes (patterns pass <c>\d</c> or <c>\x41</c> through), character classes with all that Go's
/// syntax allows in them, <c>*</c> after a class, <c>.*</c>, <c>(.*/)?</c>, counts as in <c>a{2}</c>, alternatives, and the
/// assertions <c>^ $ \A \z \b \B</c>. The grammar is that of Go's <c>regexp/syntax</c> with its Perl flags.
/// </remarks>
internal ref struct PatternParser
{
    private readonly ReadOnlySpan<int> _text;
    private readonly List<PatternProgram> _alternatives = [];
    private readonly List<PatternAtom> _atoms = [];
    private int _at;

    // The atoms of the alternatives that have ended.
    private int _ended;

    // Where the atoms that a count would repeat begin; -1 when there is nothing to repeat.
    private int _repeatable = -1;

    private PatternParser(ReadOnlySpan<int> text) => _text = text;

    /// <summary>Compiles an expression to its alternatives; null when Go's syntax refuses it.</summary>
    /// <exception cref="PatternSizeException">It has more atoms than are accepted.</exception>
    public static PatternProgram[]? Compile(ReadOnlySpan<int> expression)
    {
        PatternParser parser = new(expression);
        return parser.Parse() ? [.. parser._alternatives] : null;
    }

    private bool Parse()
    {
        while (_at < _text.Length)
        {
            int before = _atoms.Count;
            bool repeated = false;
            switch (_text[_at])
            {
                case '^':
                    _at++;
                    Assert(PatternAtomKind.Begin);
                    break;
                case '$':
                    _at++;
                    Assert(PatternAtomKind.End);
                    break;
                case '|':
                    _at++;
                    EndAlternative();
                    before = -1;
                    break;
                case '{' when RepeatCount.TryRead(_text[_at..], out RepeatCount count, out int length):
                    _at += length;
                    if (_repeatable < 0 || !count.IsValid)
                    {
                        return false;
                    }

                    Repeat(count.Least, count.Most);
                    repeated = true;
                    break;
                case '.':
                    // Only ".*" is ever written.
                    _at += 2;
                    _atoms.Add(new PatternAtom(PatternAtomKind.Star, Set: RuneSet.NotLineFeed));
                    repeated = true;
                    break;
                case '(':
                    _at += "(.*/)?".Length;
                    _atoms.Add(new PatternAtom(PatternAtomKind.Optional));
                    _atoms.Add(new PatternAtom(PatternAtomKind.Directories));
                    repeated = true;
                    break;
                case '[':
                    if (!ParseClass())
                    {
                        return false;
                    }

                    repeated = _atoms[^1].Kind == PatternAtomKind.Star;
                    break;
                case '\\':
                    if (!ParseEscapeSequence())
                    {
                        return false;
                    }

                    // A quotation adds several atoms, or none and leaves what was repeatable.
                    before = _atoms.Count == before ? _repeatable : _atoms.Count - 1;
                    break;
                default:
                    Literal(_text[_at++]);
                    break;
            }

            _repeatable = repeated ? -1 : before;
        }

        EndAlternative();
        return true;
    }

    private void EndAlternative()
    {
        _ended += _atoms.Count;
        _alternatives.Add(new PatternProgram([.. _atoms]));
        _atoms.Clear();
    }

    private readonly void Repeat(int least, int most)
    {
        PatternAtom atom = _atoms[_repeatable];
        _atoms.RemoveAt(_repeatable);
        if (atom.IsAssertion)
        {
            // A repeated assertion is the same as one, and an optional assertion asserts nothing.
            _atoms.AddRange(least > 0 ? [atom] : []);
            return;
        }

        // The line is bounded, but each of its counts may stand for a thousand atoms.
        if (_ended + _atoms.Count + Math.Max(least, most) > PatternProgram.MaxAtoms)
        {
            throw new PatternSizeException(PatternProgram.MaxAtoms);
        }

        _atoms.AddRange(Enumerable.Repeat(atom, least));
        _atoms.AddRange(most < 0
            ? [new PatternAtom(PatternAtomKind.Star, atom.Rune, atom.Set ?? RuneSet.Of(atom.Rune))]
            : Enumerable.Repeat(atom with { IsOptional = true }, most - least));
    }

    private readonly void Assert(PatternAtomKind kind) => _atoms.Add(new PatternAtom(kind));

    private readonly void Literal(int rune) => _atoms.Add(new PatternAtom(PatternAtomKind.Rune, rune));

    private bool ParseEscapeSequence()
    {
        if (_at + 1 >= _text.Length)
        {
            return false;
        }

        switch (_text[_at + 1])
        {
            case 'A':
                _at += 2;
                Assert(PatternAtomKind.Begin);
                return true;
            case 'z':
                _at += 2;
                Assert(PatternAtomKind.End);
                return true;
            case 'b':
                _at += 2;
                Assert(PatternAtomKind.WordBoundary);
                return true;
            case 'B':
                _at += 2;
                Assert(PatternAtomKind.NoWordBoundary);
                return true;
            case 'Q':
                _at += 2;
                while (_at < _text.Length)
                {
                    if (_text[_at] == '\\' && _at + 1 < _text.Length && _text[_at + 1] == 'E')
                    {
                        _at += 2;
                        break;
                    }

                    Literal(_text[_at++]);
                }

                return true;
        }

        RuneSet set = new();
        if (!TryParsePredefined(set, out bool malformed))
        {
            if (malformed || !ParseEscape(out int rune))
            {
                return false;
            }

            Literal(rune);
            return true;
        }

        _atoms.Add(new PatternAtom(PatternAtomKind.Set, Set: set.Seal(negated: false)));
        return true;
    }

    private bool ParseClass()
    {
        // What '*' and '?' are translated to.
        if (_text[_at..] is ['[', '^', '/', ']', ..])
        {
            _at += "[^/]".Length;
            EndClass(RuneSet.NotSeparator);
            return true;
        }

        _at++;
        bool negated = _at < _text.Length && _text[_at] == '^';
        if (negated)
        {
            _at++;
        }

        RuneSet set = new();
        for (bool first = true; first || _at >= _text.Length || _text[_at] != ']'; first = false)
        {
            if (_at >= _text.Length)
            {
                return false;
            }

            if (_text[_at] == '[' && _at + 2 < _text.Length && _text[_at + 1] == ':')
            {
                int end = _text[(_at + 2)..].IndexOf([':', ']']);
                if (end >= 0)
                {
                    if (!RuneClasses.AddNamed(set, _text.Slice(_at + 2, end)))
                    {
                        return false;
                    }

                    _at += end + 4;
                    continue;
                }
            }

            if (TryParsePredefined(set, out bool malformed))
            {
                continue;
            }

            if (malformed || !ParseClassRune(out int low))
            {
                return false;
            }

            int high = low;
            if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
            {
                _at++;
                if (!ParseClassRune(out high) || high < low)
                {
                    return false;
                }
            }

            set.Add(low, high);
        }

        _at++;
        EndClass(set.Seal(negated));
        return true;
    }

    private void EndClass(RuneSet set)
    {
        bool star = _at < _text.Length && _text[_at] == '*';
        _at += star ? 1 : 0;
        _atoms.Add(new PatternAtom(star ? PatternAtomKind.Star : PatternAtomKind.Set, Set: set));
    }

    private bool ParseClassRune(out int rune)
    {
        if (_at < _text.Length && _text[_at] == '\\')
        {
            return ParseEscape(out rune);
        }

        rune = _at < _text.Length ? _text[_at++] : -1;
        return rune >= 0;
    }

    /// <summary><c>\d \s \w \pX</c> and their complements. Leaves the position alone when there is none.</summary>
    private bool TryParsePredefined(RuneSet set, out bool malformed)
    {
        malformed = false;
        if (_text[_at] != '\\' || _at + 1 >= _text.Length)
        {
            return false;
        }

        int letter = _text[_at + 1];
        string? pairs = letter switch
        {
            'd' or 'D' => RuneClasses.Digits,
            's' or 'S' => RuneClasses.Spaces,
            'w' or 'W' => RuneClasses.Words,
            _ => null,
        };
        if (pairs is not null)
        {
            RuneClasses.Add(set, pairs, negated: letter is 'D' or 'S' or 'W');
            _at += 2;
            return true;
        }

        if (letter is 'p' or 'P')
        {
            ReadOnlySpan<int> rest = _text[(_at + 2)..];
            int end = rest.IsEmpty ? -1 : rest[0] == '{' ? rest.IndexOf('}') : 0;
            ReadOnlySpan<int> name = end < 0 ? [] : end == 0 ? rest[..1] : rest[1..end];
            bool complement = name.Length > 1 && name[0] == '^';
            malformed = !RuneProperties.Add(set, complement ? name[1..] : name, negated: (letter == 'P') != complement);
            _at += malformed ? 0 : 3 + end;
            return !malformed;
        }

        return false;
    }

    private bool ParseEscape(out int rune)
    {
        rune = 0;
        _at++;
        if (_at >= _text.Length)
        {
            return false;
        }

        int letter = _text[_at++];
        switch (letter)
        {
            case >= '1' and <= '7' when _at >= _text.Length || _text[_at] is < '0' or > '7':
                // A back-reference, which Go does not have.
                return false;
            case >= '0' and <= '7':
                rune = letter - '0';
                for (int digits = 1; digits < 3 && _at < _text.Length && _text[_at] is >= '0' and <= '7'; digits++)
                {
                    rune = (rune * 8) + (_text[_at++] - '0');
                }

                return true;
            case 'x' when _at < _text.Length && _text[_at] == '{':
                return ParseBracedHex(out rune);
            case 'x':
                if (_at + 1 >= _text.Length || RuneClasses.Hex(_text[_at]) < 0 || RuneClasses.Hex(_text[_at + 1]) < 0)
                {
                    return false;
                }

                rune = (RuneClasses.Hex(_text[_at]) * 16) + RuneClasses.Hex(_text[_at + 1]);
                _at += 2;
                return true;
        }

        rune = letter switch
        {
            'a' => '\a',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\v',
            < 0x80 when !RuneClasses.IsWord(letter) || letter == '_' => letter,
            _ => -1,
        };
        return rune >= 0;
    }

    private bool ParseBracedHex(out int rune)
    {
        rune = 0;
        int start = ++_at;
        for (; _at < _text.Length && _text[_at] != '}'; _at++)
        {
            int digit = RuneClasses.Hex(_text[_at]);
            rune = (rune * 16) + digit;
            if (digit < 0 || rune > 0x10FFFF)
            {
                return false;
            }
        }

        bool complete = _at < _text.Length && _at > start;
        _at++;
        return complete;
    }
}
