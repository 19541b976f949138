using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Client.Context.Ignore;

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

    Begin,

    End,

    /// <summary>Between a word character (ASCII) and something else.</summary>
    WordBoundary,

    NoWordBoundary,
}

/// <summary>One atom of a program's chain.</summary>
internal readonly record struct PatternAtom(PatternAtomKind Kind, int Rune = 0, RuneSet? Set = null, bool IsOptional = false)
{
    public bool IsAssertion => Kind >= PatternAtomKind.Begin;

    /// <summary>Whether it always reads a scalar of the path.</summary>
    public bool IsMandatory => Kind is PatternAtomKind.Rune or PatternAtomKind.Set && !IsOptional;

    /// <summary>Reads a scalar in a state: the next state, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Read(int rune, int state)
    {
        switch (Kind)
        {
            case PatternAtomKind.Rune:
                return rune == Rune ? state + 1 : -1;
            case PatternAtomKind.Set:
                return Set!.Contains(rune) ? state + 1 : -1;
            case PatternAtomKind.Star:
                return Set!.Contains(rune) ? state : -1;
            case PatternAtomKind.Directories:
                return rune == '/' ? state + 1 : rune == '\n' ? -1 : state;
            default:
                return -1;
        }
    }

    /// <summary>How many of the following atoms are reached without reading.</summary>
    public int Skips => Kind switch
    {
        PatternAtomKind.Rune or PatternAtomKind.Set => IsOptional ? 1 : 0,
        PatternAtomKind.Star => 1,
        PatternAtomKind.Optional => 2,
        _ => 0,
    };

    /// <summary>Whether it is an assertion that holds between two scalars; -1 stands for no scalar.</summary>
    public bool Holds(int before, int after) => Kind switch
    {
        PatternAtomKind.Begin => before < 0,
        PatternAtomKind.End => after < 0,
        PatternAtomKind.WordBoundary => RuneClasses.IsWord(before) != RuneClasses.IsWord(after),
        PatternAtomKind.NoWordBoundary => RuneClasses.IsWord(before) == RuneClasses.IsWord(after),
        _ => false,
    };
}
