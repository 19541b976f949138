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

    /// <summary>Whether it reads a scalar of the path in any case.</summary>
    public bool IsMandatory => Kind is PatternAtomKind.Rune or PatternAtomKind.Set && !IsOptional;

    /// <summary>Reads a scalar in a state: where that leads to, or -1.</summary>
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

    /// <summary>How many of the links behind it are reached without reading anything.</summary>
    public int Skips => Kind switch
    {
        PatternAtomKind.Rune or PatternAtomKind.Set => IsOptional ? 1 : 0,
        PatternAtomKind.Star => 1,
        PatternAtomKind.Optional => 2,
        _ => 0,
    };

    /// <summary>Whether it is an assertion that holds between two scalars, of which -1 is none.</summary>
    public bool Holds(int before, int after) => Kind switch
    {
        PatternAtomKind.Begin => before < 0,
        PatternAtomKind.End => after < 0,
        PatternAtomKind.WordBoundary => RuneClasses.IsWord(before) != RuneClasses.IsWord(after),
        PatternAtomKind.NoWordBoundary => RuneClasses.IsWord(before) == RuneClasses.IsWord(after),
        _ => false,
    };
}
