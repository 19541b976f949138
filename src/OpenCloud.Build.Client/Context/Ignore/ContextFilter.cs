namespace OpenCloud.Build.Client.Context.Ignore;

internal enum FilterVerdict
{
    Send,

    /// <summary>The entry is not sent by itself, but something beneath it may be.</summary>
    Pass,

    /// <summary>Neither the entry nor anything beneath it is sent.</summary>
    Prune,
}

/// <summary>The include and exclude patterns of one transfer.</summary>
/// <remarks>
/// Source of the rules: fsutil's filter.go (NewFilterFS, Walk). A directory is pruned when no include pattern, and no exception
/// of an exclude pattern, can match beneath it. This is known when those patterns have no wildcards but a trailing one.
/// </remarks>
internal sealed class ContextFilter
{
    private readonly PatternMatcher? _include;
    private readonly PatternMatcher? _exclude;
    private readonly bool _plainIncludes = true;
    private readonly bool _plainExceptions = true;

    // What the directories above the current entry matched, by depth.
    private readonly List<bool[]> _includeState = [];
    private readonly List<bool[]> _excludeState = [];

    /// <summary>Makes a filter of compiled patterns; null lets everything through.</summary>
    public ContextFilter(PatternMatcher? include, PatternMatcher? exclude)
    {
        _include = include;
        _exclude = exclude;
        if (include is not null)
        {
            foreach (Pattern pattern in include.Patterns)
            {
                _plainIncludes &= pattern.IsException || pattern.IsPlainPrefix;
            }
        }

        if (exclude is not null)
        {
            foreach (Pattern pattern in exclude.Patterns)
            {
                _plainExceptions &= !pattern.IsException || pattern.IsPlainPrefix;
            }
        }
    }

    /// <summary>The index of the exclude pattern that decided about the last entry, or -1.</summary>
    public int DecisiveExclude { get; private set; } = -1;

    /// <summary>Judges an entry. Entries come in the order of the walk, a directory before its contents.</summary>
    public FilterVerdict Judge(ReadOnlySpan<byte> path, int depth, bool isDirectory)
    {
        FilterVerdict verdict = FilterVerdict.Send;
        if (_include is not null && !Match(_include, _includeState, path, depth, isDirectory, out _))
        {
            if (!isDirectory || (_plainIncludes && !AnyBeneath(_include, path, exceptions: false)))
            {
                return FilterVerdict.Prune;
            }

            verdict = FilterVerdict.Pass;
        }

        int decisive = -1;
        bool excluded = _exclude is not null && Match(_exclude, _excludeState, path, depth, isDirectory, out decisive);
        DecisiveExclude = decisive;
        if (excluded)
        {
            bool reachable = !_plainExceptions || (_exclude!.HasExceptions && AnyBeneath(_exclude, path, exceptions: true));
            if (!isDirectory || !reachable)
            {
                return FilterVerdict.Prune;
            }

            verdict = FilterVerdict.Pass;
        }

        return verdict;
    }

    private static bool Match(
        PatternMatcher matcher, List<bool[]> states, ReadOnlySpan<byte> path, int depth, bool isDirectory, out int decisive)
    {
        while (states.Count <= depth)
        {
            states.Add(new bool[matcher.Count]);
        }

        return matcher.Matches(
            path,
            depth == 0 ? [] : states[depth - 1],
            isDirectory ? states[depth] : [],
            out decisive);
    }

    private static bool AnyBeneath(PatternMatcher matcher, ReadOnlySpan<byte> directory, bool exceptions)
    {
        foreach (Pattern pattern in matcher.Patterns)
        {
            if (pattern.IsException == exceptions && pattern.MayMatchBeneath(directory))
            {
                return true;
            }
        }

        return false;
    }
}
