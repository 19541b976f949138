namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Limits of one evaluation, so that a short definition cannot use all memory or time.</summary>
internal sealed class HclBudget
{
    /// <summary>The maximum nesting depth of expressions, calls and collections.</summary>
    public const int MostDepth = 200;

    private long _steps = 1_000_000;
    private long _characters = 16L << 20;
    private int _depth;

    /// <summary>Counts steps: evaluated expressions and created elements.</summary>
    public void Step(HclPosition position, long count = 1)
    {
        _steps -= count;
        if (_steps < 0)
        {
            throw new HclException("the definition requires too many evaluation steps.", position, isBudget: true);
        }
    }

    /// <summary>Counts the characters of a created string.</summary>
    public void Text(HclPosition position, long length)
    {
        _characters -= length;
        if (_characters < 0)
        {
            throw new HclException("the strings of the definition are too long.", position, isBudget: true);
        }
    }

    public void Enter(HclPosition position)
    {
        if (++_depth > MostDepth)
        {
            throw new HclException("expressions, functions or references are nested too deeply.", position, isBudget: true);
        }
    }

    public void Leave() => _depth--;
}
