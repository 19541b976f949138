using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>A compiled pattern: a chain of atoms, run as an automaton, in time linear in the path and without backtracking.</summary>
/// <remarks>
/// Literal bytes at both ends are compared first. With the least length of the rest they decide most paths. The rest is run with one bit for each
/// state. Transitions that read nothing lead to the next states, so the states reached from one are a run of bits known beforehand. Only
/// assertions, which odd patterns have, are followed while the path is read.
/// </remarks>
internal sealed class PatternProgram
{
    /// <summary>The most atoms of a pattern. A line of an ignore file (64 KiB) that repeats nothing by a count has fewer.</summary>
    public const int MaxAtoms = 128 * 1024;

    private const int WordsOnStack = 8;

    private static readonly PatternAtom Anything = new(PatternAtomKind.Star, Set: RuneSet.Everything);

    private readonly byte[] _prefix;
    private readonly byte[] _suffix;
    private readonly PatternAtom[] _atoms;
    private readonly bool _hasAssertions;
    private readonly int _shortest;

    // For each state: the last state reached from it without reading, and the bits of those in the state's own word.
    private readonly int[] _last;
    private readonly ulong[] _bits;

    /// <param name="atoms">The atoms; without an assertion at an end, any text may precede or follow them.</param>
    public PatternProgram(List<PatternAtom> atoms)
    {
        List<PatternAtom> chain = Simplify(atoms);
        int begin = chain.FindIndex(static atom => atom.Kind != PatternAtomKind.Begin);
        begin = begin < 0 ? chain.Count : begin;
        int end = chain.Count;
        bool anchored = end > begin && chain[end - 1].Kind == PatternAtomKind.End;
        end -= anchored ? 1 : 0;

        List<byte> prefix = new();
        List<byte> suffix = new();
        if (!chain.GetRange(begin, end - begin).Exists(static atom => atom.IsAssertion))
        {
            int last = end;
            while (begin < end && IsLiteral(chain[begin]))
            {
                Utf8.Append(prefix, chain[begin++].Rune);
            }

            while (anchored && end > begin && IsLiteral(chain[end - 1]))
            {
                end--;
            }

            for (int i = end; anchored && i < last; i++)
            {
                Utf8.Append(suffix, chain[i].Rune);
            }
        }

        _prefix = [.. prefix];
        _suffix = [.. suffix];
        _atoms = [.. chain.GetRange(begin, end - begin)];
        if (!anchored)
        {
            _atoms = [.. _atoms, Anything];
        }

        _shortest = _atoms.Count(static atom => atom.IsMandatory);
        _hasAssertions = Array.Exists(_atoms, static atom => atom.IsAssertion);
        _last = new int[_atoms.Length + 1];
        _bits = new ulong[_atoms.Length + 1];
        for (int state = _atoms.Length; state >= 0; state--)
        {
            int behind = state == _atoms.Length ? 0 : _atoms[state].Skips;
            _last[state] = behind == 0 ? state : _last[state + behind];
            int inWord = Math.Min(_last[state], state | 63);
            _bits[state] = (ulong.MaxValue << state) & (ulong.MaxValue >> (63 - (inWord & 63)));
        }
    }

    public int Size => _atoms.Length;

    [SkipLocalsInit]
    public bool IsMatch(ReadOnlySpan<byte> path)
    {
        // Every scalar takes at least one byte.
        if (path.Length < _prefix.Length + _suffix.Length + _shortest || !path.StartsWith(_prefix) || !path.EndsWith(_suffix))
        {
            return false;
        }

        int words = (_atoms.Length >> 6) + 1;
        ulong[]? rented = words > WordsOnStack ? ArrayPool<ulong>.Shared.Rent(words * 2) : null;
        Span<ulong> states = rented ?? stackalloc ulong[WordsOnStack * 2];
        try
        {
            return Run(path[_prefix.Length..^_suffix.Length], states[..words], states.Slice(words, words));
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<ulong>.Shared.Return(rented);
            }
        }
    }

    // A literal U+FFFD also stands for any invalid byte, and half of a surrogate pair has no bytes.
    private static bool IsLiteral(PatternAtom atom) =>
        atom.Kind == PatternAtomKind.Rune && !atom.IsOptional && atom.Rune != Utf8.Replacement && Rune.IsValid(atom.Rune);

    /// <summary>Drops redundant atoms: a star or a run of directories that repeats the one before it.</summary>
    private static List<PatternAtom> Simplify(List<PatternAtom> atoms)
    {
        List<PatternAtom> chain = new(atoms.Count + 1);
        if (atoms.Count == 0 || atoms[0].Kind != PatternAtomKind.Begin)
        {
            chain.Add(Anything);
        }

        foreach (PatternAtom atom in atoms)
        {
            bool isTwice = chain.Count > 0 && atom.Kind switch
            {
                PatternAtomKind.Star => chain[^1].Kind == PatternAtomKind.Star && chain[^1].Set!.IsSame(atom.Set!),
                PatternAtomKind.Optional => chain[^1].Kind == PatternAtomKind.Directories,
                PatternAtomKind.Directories => chain[^1].Kind == PatternAtomKind.Directories,
                _ => false,
            };
            if (!isTwice)
            {
                chain.Add(atom);
            }
        }

        return chain;
    }

    private bool Run(ReadOnlySpan<byte> path, Span<ulong> states, Span<ulong> next)
    {
        PatternAtom[] atoms = _atoms;
        states.Clear();
        next.Clear();
        Reach(states, 0);
        int before = -1;
        while (true)
        {
            int width = 0;
            int rune = path.IsEmpty ? -1 : Utf8.Decode(path, out width);
            if (_hasAssertions)
            {
                Assert(states, before, rune);
            }

            if (rune < 0)
            {
                return (states[atoms.Length >> 6] >> atoms.Length & 1) != 0;
            }

            ulong any = 0;
            for (int word = 0; word < states.Length; word++)
            {
                // Most of the reached states are in the same word, which is collected in a register.
                ulong reached = 0;
                for (ulong left = states[word]; left != 0; left &= left - 1)
                {
                    int state = (word << 6) + BitOperations.TrailingZeroCount(left);
                    if ((uint)state >= (uint)atoms.Length)
                    {
                        break;
                    }

                    ref readonly PatternAtom atom = ref atoms[state];
                    int to = atom.Read(rune, state);
                    if (to < 0)
                    {
                        continue;
                    }

                    reached |= atom.Kind == PatternAtomKind.Directories ? 1UL << state : 0;
                    if (_last[to] >> 6 == word)
                    {
                        reached |= _bits[to];
                    }
                    else
                    {
                        Reach(next, to);
                        any = 1;
                    }
                }

                next[word] |= reached;
                any |= reached;
                states[word] = 0;
            }

            if (any == 0)
            {
                return false;
            }

            Span<ulong> read = next;
            next = states;
            states = read;
            before = rune;
            path = path[width..];
        }
    }

    /// <summary>Follows the assertions that hold between two scalars, from the first state to the last.</summary>
    private void Assert(Span<ulong> states, int before, int after)
    {
        for (int state = 0; state < _atoms.Length; state++)
        {
            if ((states[state >> 6] >> state & 1) != 0 && _atoms[state].Holds(before, after))
            {
                Reach(states, state + 1);
            }
        }
    }

    private void Reach(Span<ulong> states, int state)
    {
        int word = state >> 6;
        states[word] |= _bits[state];
        for (int last = _last[state]; word < last >> 6;)
        {
            word++;
            states[word] |= word < last >> 6 ? ulong.MaxValue : ulong.MaxValue >> (63 - (last & 63));
        }
    }
}
