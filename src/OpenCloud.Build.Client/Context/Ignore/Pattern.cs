namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>One ignore or include pattern.</summary>
internal sealed class Pattern
{
    private readonly PatternKind _kind;
    private readonly byte[] _comparand = [];
    private readonly PatternProgram[]? _programs;

    /// <summary>Compiles a clean pattern without the <c>!</c> of an exception.</summary>
    /// <exception cref="ContextException">The pattern's counts expand to more atoms than are accepted.</exception>
    public Pattern(byte[] text, bool isException)
    {
        Text = text;
        IsException = isException;
        _kind = PatternTranslation.Translate(text, out int[] expression);
        switch (_kind)
        {
            case PatternKind.Exact:
                _comparand = text;
                break;
            case PatternKind.Prefix:
                _comparand = text[..^2];
                break;
            case PatternKind.Suffix:
                _comparand = text[2..];
                break;
            default:
                try
                {
                    _programs = PatternParser.Compile(expression);
                }
                catch (PatternSizeException e)
                {
                    throw ContextException.LargePattern(text, e);
                }

                break;
        }

        ReadOnlySpan<byte> stem = text;
        stem = stem.EndsWith("/**"u8) ? stem[..^3] : stem;
        stem = stem.EndsWith("/*"u8) ? stem[..^2] : stem;
        Stem = [.. stem, BytePath.Separator];
        IsPlainPrefix = stem.IndexOfAny("*[]?^\\"u8) < 0;
    }

    public byte[] Text { get; }

    public bool IsException { get; }

    public int Size => _programs?.Sum(static program => program.Size) ?? 0;

    /// <summary>The text without a trailing glob, ending in a separator (fsutil's filter.go, patternWithoutTrailingGlob).</summary>
    public byte[] Stem { get; }

    /// <summary>Whether the stem has no wildcards, so that it tells which directories a match can be in.</summary>
    public bool IsPlainPrefix { get; }

    /// <summary>Whether the pattern matches exactly this path, without regard to its directories.</summary>
    /// <exception cref="ContextException">The pattern is malformed. As with the daemon's matcher, this is found on first use.</exception>
    public bool IsMatch(ReadOnlySpan<byte> path)
    {
        switch (_kind)
        {
            case PatternKind.Exact:
                return path.SequenceEqual(_comparand);
            case PatternKind.Prefix:
                return path.StartsWith(_comparand);
            case PatternKind.Suffix:
                // "**/x" takes "x" as well.
                return path.EndsWith(_comparand)
                    || (_comparand.Length > 0 && _comparand[0] == BytePath.Separator && path.SequenceEqual(_comparand.AsSpan(1)));
            default:
                return IsAnyMatch(_programs ?? throw ContextException.BadPattern(Text), path);
        }
    }

    public bool MayMatchBeneath(ReadOnlySpan<byte> directory) =>
        Stem.Length > directory.Length && Stem[directory.Length] == BytePath.Separator && Stem.AsSpan().StartsWith(directory);

    private static bool IsAnyMatch(PatternProgram[] alternatives, ReadOnlySpan<byte> path)
    {
        foreach (PatternProgram program in alternatives)
        {
            if (program.IsMatch(path))
            {
                return true;
            }
        }

        return false;
    }
}
