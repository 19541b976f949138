using System.Numerics;

namespace OpenCloud.Build.Client.Context;

internal enum PatternAtomKind
{
    /// <summary>One given scalar.</summary>
    Rune,

    /// <summary>One scalar of a set.</summary>
    Set,

    /// <summary>Any number of scalars of a set.</summary>
    Star,

    /// <summary>The entry of an optional run of directories; the next atom is its <see cref="Directories"/>.</summary>
    Optional,

    /// <summary>Anything but line feeds, ending in a separator.</summary>
    Directories,

    /// <summary>The beginning of the path.</summary>
    Begin,

    /// <summary>The end of the path.</summary>
    End,

    /// <summary>Between a word character (ASCII) and something else.</summary>
    WordBoundary,

    /// <summary>Not at a word boundary.</summary>
    NoWordBoundary,
}

/// <summary>A link of the chain.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Rune">The scalar of a <see cref="PatternAtomKind.Rune"/>.</param>
/// <param name="Set">The scalars of a <see cref="PatternAtomKind.Set"/> or <see cref="PatternAtomKind.Star"/>.</param>
/// <param name="IsOptional">Whether a <see cref="PatternAtomKind.Rune"/> or <see cref="PatternAtomKind.Set"/> may be left out.</param>
internal readonly record struct PatternAtom(PatternAtomKind Kind, int Rune = 0, RuneSet? Set = null, bool IsOptional = false)
{
    public bool IsAssertion => Kind >= PatternAtomKind.Begin;

    public bool Accepts(int rune) => Kind == PatternAtomKind.Rune ? rune == Rune : Set!.Contains(rune);
}

/// <summary>A compiled pattern: a chain of atoms, run as an automaton, in time linear in the path and without backtracking.</summary>
/// <remarks>
/// Literal bytes at both ends are compared as bytes first; they decide most paths, and what is left between them is run on at
/// most 63 states that fit one machine word. Longer programs, and the assertions that only odd patterns have, take a slower
/// way with the same meaning.
/// </remarks>
internal sealed class PatternProgram
{
    private const int MaxWordStates = 63;

    private static readonly PatternAtom Anything = new(PatternAtomKind.Star, Set: new RuneSet().Seal(negated: true));

    private readonly byte[] _prefix;
    private readonly byte[] _suffix;
    private readonly PatternAtom[] _atoms;
    private readonly ulong[]? _closures;

    /// <param name="atoms">The atoms; without an assertion at an end, anything may stand before or behind them.</param>
    public PatternProgram(List<PatternAtom> atoms)
    {
        if (atoms.Count == 0 || atoms[0].Kind != PatternAtomKind.Begin)
        {
            atoms = [Anything, .. atoms];
        }

        int begin = atoms.FindIndex(static atom => atom.Kind != PatternAtomKind.Begin);
        begin = begin < 0 ? atoms.Count : begin;
        int end = atoms.Count;
        bool anchored = end > begin && atoms[end - 1].Kind == PatternAtomKind.End;
        end -= anchored ? 1 : 0;

        var prefix = new List<byte>();
        var suffix = new List<byte>();
        bool plain = !atoms.GetRange(begin, end - begin).Exists(static atom => atom.IsAssertion);
        if (plain)
        {
            int first = begin;
            while (begin < end && IsLiteral(atoms[begin]))
            {
                Utf8.Append(prefix, atoms[begin++].Rune);
            }

            int last = end;
            while (anchored && end > begin && IsLiteral(atoms[end - 1]))
            {
                end--;
            }

            for (int i = end; i < last; i++)
            {
                Utf8.Append(suffix, atoms[i].Rune);
            }
        }

        _prefix = [.. prefix];
        _suffix = [.. suffix];
        _atoms = [.. atoms.GetRange(begin, end - begin)];
        if (!anchored)
        {
            _atoms = [.. _atoms, Anything];
        }

        _closures = plain && _atoms.Length <= MaxWordStates ? Closures(_atoms) : null;
    }

    public bool IsMatch(ReadOnlySpan<byte> path)
    {
        if (path.Length < _prefix.Length + _suffix.Length || !path.StartsWith(_prefix) || !path.EndsWith(_suffix))
        {
            return false;
        }

        ReadOnlySpan<byte> middle = path[_prefix.Length..^_suffix.Length];
        return _closures is null ? RunWide(middle) : RunWord(middle, _closures);
    }

    // A literal U+FFFD also stands for any invalid byte, so it cannot be compared as bytes.
    private static bool IsLiteral(PatternAtom atom) =>
        atom.Kind == PatternAtomKind.Rune && !atom.IsOptional && atom.Rune != Utf8.Replacement;

    /// <summary>For every state the states that are reached without reading anything, itself among them.</summary>
    private static ulong[] Closures(PatternAtom[] atoms)
    {
        var closures = new ulong[atoms.Length + 1];
        closures[atoms.Length] = 1UL << atoms.Length;
        for (int state = atoms.Length - 1; state >= 0; state--)
        {
            closures[state] = atoms[state].Kind switch
            {
                PatternAtomKind.Star => 1UL << state | closures[state + 1],
                PatternAtomKind.Optional => 1UL << state | 1UL << (state + 1) | closures[state + 2],
                _ => 1UL << state | (atoms[state].IsOptional ? closures[state + 1] : 0),
            };
        }

        return closures;
    }

    private bool RunWord(ReadOnlySpan<byte> path, ulong[] closures)
    {
        ulong states = closures[0];
        while (!path.IsEmpty && states != 0)
        {
            int rune = Utf8.Decode(path, out int width);
            path = path[width..];
            ulong next = 0;
            for (ulong left = states; left != 0; left &= left - 1)
            {
                int state = BitOperations.TrailingZeroCount(left);
                if (state == _atoms.Length)
                {
                    continue;
                }

                ref readonly PatternAtom atom = ref _atoms[state];
                switch (atom.Kind)
                {
                    case PatternAtomKind.Rune or PatternAtomKind.Set when atom.Accepts(rune):
                        next |= closures[state + 1];
                        break;
                    case PatternAtomKind.Star when atom.Accepts(rune):
                        next |= closures[state];
                        break;
                    case PatternAtomKind.Directories when rune != '\n':
                        next |= 1UL << state | (rune == '/' ? closures[state + 1] : 0);
                        break;
                }
            }

            states = next;
        }

        return (states >> _atoms.Length & 1) != 0;
    }

    private bool RunWide(ReadOnlySpan<byte> path)
    {
        var states = new bool[_atoms.Length + 1];
        var next = new bool[_atoms.Length + 1];
        states[0] = true;
        int before = -1;
        while (true)
        {
            int width = 0;
            int rune = path.IsEmpty ? -1 : Utf8.Decode(path, out width);
            Close(states, before, rune);
            if (rune < 0)
            {
                return states[_atoms.Length];
            }

            Array.Clear(next);
            for (int state = 0; state < _atoms.Length; state++)
            {
                PatternAtom atom = _atoms[state];
                if (!states[state] || atom.IsAssertion)
                {
                    continue;
                }

                switch (atom.Kind)
                {
                    case PatternAtomKind.Rune or PatternAtomKind.Set when atom.Accepts(rune):
                        next[state + 1] = true;
                        break;
                    case PatternAtomKind.Star when atom.Accepts(rune):
                        next[state] = true;
                        break;
                    case PatternAtomKind.Directories when rune != '\n':
                        next[state] = true;
                        next[state + 1] |= rune == '/';
                        break;
                }
            }

            (states, next) = (next, states);
            before = rune;
            path = path[width..];
        }
    }

    private void Close(bool[] states, int before, int after)
    {
        for (int state = 0; state < _atoms.Length; state++)
        {
            if (!states[state])
            {
                continue;
            }

            switch (_atoms[state].Kind)
            {
                case PatternAtomKind.Star:
                case PatternAtomKind.Rune or PatternAtomKind.Set when _atoms[state].IsOptional:
                case PatternAtomKind.Begin when before < 0:
                case PatternAtomKind.End when after < 0:
                case PatternAtomKind.WordBoundary when RuneClasses.IsWord(before) != RuneClasses.IsWord(after):
                case PatternAtomKind.NoWordBoundary when RuneClasses.IsWord(before) == RuneClasses.IsWord(after):
                    states[state + 1] = true;
                    break;
                case PatternAtomKind.Optional:
                    states[state + 1] = true;
                    states[state + 2] = true;
                    break;
            }
        }
    }
}
