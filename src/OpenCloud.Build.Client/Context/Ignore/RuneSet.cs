using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>A set of Unicode scalars, used by a pattern's character classes: ranges and general categories.</summary>
internal sealed class RuneSet
{
    private readonly List<(int Low, int High)> _parts = [];
    private (int Low, int High)[] _ranges = [];
    private uint _categories;
    private bool _negated;
    private ulong _asciiLow;
    private ulong _asciiHigh;

    /// <summary>Everything but a line feed: what <c>**</c> runs over.</summary>
    public static RuneSet NotLineFeed { get; } = Of('\n', negated: true);

    public static RuneSet NotSeparator { get; } = Of('/', negated: true);

    public static RuneSet Everything { get; } = new RuneSet().Seal(negated: true);

    public static RuneSet Of(int rune, bool negated = false)
    {
        RuneSet set = new();
        set.Add(rune, rune);
        return set.Seal(negated);
    }

    public void Add(int low, int high) => _parts.Add((low, high));

    /// <summary>Adds categories by a mask with one bit for each <see cref="UnicodeCategory"/>.</summary>
    public void AddCategories(uint mask) => _categories |= mask;

    /// <summary>Ends the building of the set; ranges that overlap or touch are merged.</summary>
    public RuneSet Seal(bool negated)
    {
        _negated = negated;
        _parts.Sort();
        List<(int Low, int High)> merged = [];
        foreach ((int low, int high) in _parts)
        {
            if (merged.Count > 0 && low <= merged[^1].High + 1)
            {
                merged[^1] = (merged[^1].Low, Math.Max(merged[^1].High, high));
            }
            else
            {
                merged.Add((low, high));
            }
        }

        _parts.Clear();
        _parts.TrimExcess();
        _ranges = [.. merged];
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

    public bool IsSame(RuneSet other) => ReferenceEquals(this, other)
        || (_negated == other._negated && _categories == other._categories && _ranges.AsSpan().SequenceEqual(other._ranges));

    private bool Evaluate(int rune)
    {
        int low = 0;
        int high = _ranges.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (rune > _ranges[middle].High)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        bool inRange = low < _ranges.Length && rune >= _ranges[low].Low;
        return (inRange || (_categories != 0 && (_categories >> (int)CategoryOf(rune) & 1) != 0)) != _negated;
    }

    private static UnicodeCategory CategoryOf(int rune) => Rune.IsValid(rune) ? Rune.GetUnicodeCategory(new Rune(rune)) : UnicodeCategory.Surrogate;
}
