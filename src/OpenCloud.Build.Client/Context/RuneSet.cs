namespace OpenCloud.Build.Client.Context;

/// <summary>A set of Unicode scalars, used by a pattern's character classes.</summary>
internal sealed class RuneSet
{
    private readonly List<(int Low, int High)> _ranges = [];
    private readonly List<(Func<int, bool> Contains, bool Negated)> _properties = [];
    private bool _negated;
    private ulong _asciiLow;
    private ulong _asciiHigh;

    /// <summary>Everything but the separator: what <c>*</c> repeats and <c>?</c> takes.</summary>
    public static RuneSet NotSeparator { get; } = Complement('/');

    /// <summary>Everything but a line feed: what <c>**</c> runs over.</summary>
    public static RuneSet NotLineFeed { get; } = Complement('\n');

    public void Add(int low, int high) => _ranges.Add((low, high));

    public void Add(Func<int, bool> property, bool negated) => _properties.Add((property, negated));

    /// <summary>Ends the building of the set.</summary>
    public RuneSet Seal(bool negated)
    {
        _negated = negated;
        for (int rune = 0; rune < 64; rune++)
        {
            _asciiLow |= Evaluate(rune) ? 1UL << rune : 0;
            _asciiHigh |= Evaluate(rune + 64) ? 1UL << rune : 0;
        }

        return this;
    }

    public bool Contains(int rune) => rune switch
    {
        < 64 => (_asciiLow >> rune & 1) != 0,
        < 128 => (_asciiHigh >> (rune - 64) & 1) != 0,
        _ => Evaluate(rune),
    };

    private static RuneSet Complement(int rune)
    {
        var set = new RuneSet();
        set.Add(rune, rune);
        return set.Seal(negated: true);
    }

    private bool Evaluate(int rune)
    {
        foreach ((int low, int high) in _ranges)
        {
            if (rune >= low && rune <= high)
            {
                return !_negated;
            }
        }

        foreach ((Func<int, bool> contains, bool negated) in _properties)
        {
            if (contains(rune) != negated)
            {
                return !_negated;
            }
        }

        return _negated;
    }
}
