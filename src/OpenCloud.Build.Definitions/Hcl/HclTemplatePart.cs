using System.Text;

namespace OpenCloud.Build.Definitions.Hcl;

internal enum HclTemplatePartKind
{
    Literal,
    Interpolation,
    If,
    Else,
    EndIf,
    For,
    EndFor,
}

/// <summary>A part of a template in source order. Directives are not nested yet.</summary>
internal sealed record HclTemplatePart(HclTemplatePartKind Kind, HclPosition Position)
{
    /// <summary>The text of a literal, or the value name of a <c>for</c> directive.</summary>
    public string Text { get; set; } = string.Empty;

    public string? Key { get; init; }

    public HclExpression? Expression { get; init; }

    public bool TrimsBefore { get; init; }

    public bool TrimsAfter { get; init; }

    private bool IsLiteral => Kind == HclTemplatePartKind.Literal;

    public static HclTemplatePart Literal(string text, HclPosition position) => new(HclTemplatePartKind.Literal, position) { Text = text };

    public static HclTemplatePart Interpolation(HclExpression expression, HclPosition position) => new(HclTemplatePartKind.Interpolation, position) { Expression = expression };

    /// <summary>Trims the whitespace that <c>~</c> marks.</summary>
    public static void Trim(List<HclTemplatePart> parts)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i].TrimsBefore && i > 0 && parts[i - 1].IsLiteral)
            {
                parts[i - 1].Text = parts[i - 1].Text.TrimEnd();
            }

            if (parts[i].TrimsAfter && i + 1 < parts.Count && parts[i + 1].IsLiteral)
            {
                parts[i + 1].Text = parts[i + 1].Text.TrimStart();
            }
        }
    }

    /// <summary>Removes the common indentation of all lines; blank lines do not count.</summary>
    public static void Flush(List<HclTemplatePart> parts)
    {
        int least = int.MaxValue;
        List<HclTemplatePart> begins = [];
        bool isLineStart = true;
        foreach (HclTemplatePart part in parts)
        {
            if (isLineStart)
            {
                isLineStart = false;
                int blanks = part.IsLiteral ? part.Text.Length - part.Text.TrimStart().Length : 0;
                if (!(part.IsLiteral && blanks == part.Text.Length && part.Text.EndsWith('\n')))
                {
                    begins.Add(part);
                    least = Math.Min(least, blanks);
                }
            }

            isLineStart |= part.IsLiteral && part.Text.EndsWith('\n');
        }

        foreach (HclTemplatePart part in begins.Where(static p => p.IsLiteral))
        {
            part.Text = part.Text[Math.Min(least, part.Text.Length)..];
        }
    }

    /// <summary>Nests the parts between a directive and its end.</summary>
    public static IReadOnlyList<HclExpression> Nest(List<HclTemplatePart> parts)
    {
        int next = 0;
        List<HclExpression> nested = Nest(parts, ref next, within: null, 0);
        return nested;
    }

    private static List<HclExpression> Nest(List<HclTemplatePart> parts, ref int next, HclTemplatePart? within, int depth)
    {
        if (depth > HclBudget.MostDepth)
        {
            throw new HclException("directives are nested too deeply.", within!.Position, isBudget: true);
        }

        List<HclExpression> nested = [];
        while (next < parts.Count)
        {
            HclTemplatePart part = parts[next];
            switch (part.Kind)
            {
                case HclTemplatePartKind.Literal:
                    // Adjacent literals become one, so that a constant template has a single part.
                    StringBuilder text = new();
                    for (; next < parts.Count && parts[next].IsLiteral; next++)
                    {
                        text.Append(parts[next].Text);
                    }

                    if (text.Length > 0)
                    {
                        nested.Add(new HclTextExpression(text.ToString(), part.Position));
                    }

                    break;
                case HclTemplatePartKind.Interpolation:
                    next++;
                    nested.Add(new HclInterpolationExpression(part.Expression!, part.Position));
                    break;
                case HclTemplatePartKind.If:
                    next++;
                    List<HclExpression> yes = Nest(parts, ref next, part, depth + 1);
                    List<HclExpression> no = [];
                    if (next < parts.Count && parts[next].Kind == HclTemplatePartKind.Else)
                    {
                        next++;
                        no = Nest(parts, ref next, part with { Kind = HclTemplatePartKind.Else }, depth + 1);
                    }

                    End(parts, ref next, HclTemplatePartKind.EndIf, part);
                    nested.Add(new HclTemplateIfExpression(part.Expression!, yes, no, part.Position));
                    break;
                case HclTemplatePartKind.For:
                    next++;
                    List<HclExpression> each = Nest(parts, ref next, part, depth + 1);
                    End(parts, ref next, HclTemplatePartKind.EndFor, part);
                    nested.Add(new HclTemplateForExpression(part.Key, part.Text, part.Expression!, each, part.Position));
                    break;
                default:
                    bool isOfIt = within is not null && part.Kind switch
                    {
                        HclTemplatePartKind.Else => within.Kind == HclTemplatePartKind.If,
                        HclTemplatePartKind.EndIf => within.Kind is HclTemplatePartKind.If or HclTemplatePartKind.Else,
                        _ => within.Kind == HclTemplatePartKind.For,
                    };
                    return isOfIt ? nested : throw new HclException($"the directive '{part.Kind.ToString().ToLowerInvariant()}' has no start.", part.Position);
            }
        }

        return nested;
    }

    private static void End(List<HclTemplatePart> parts, ref int next, HclTemplatePartKind kind, HclTemplatePart begun)
    {
        if (next >= parts.Count || parts[next].Kind != kind)
        {
            throw new HclException($"the directive '{begun.Kind.ToString().ToLowerInvariant()}' has no '{kind.ToString().ToLowerInvariant()}'.", begun.Position);
        }

        next++;
    }
}
