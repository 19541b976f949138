using System.Text;

namespace OpenCloud.Build.Definitions.Hcl;

internal sealed class HclTemplateExpression(IReadOnlyList<HclExpression> parts, HclPosition position) : HclExpression(position)
{
    public override string? Template => parts.Count == 0 ? string.Empty : parts is [HclTextExpression text] ? text.Text : null;

    // A template of a single interpolation keeps the type of its value.
    protected override HclValue EvaluateCore(HclScope scope) => parts is [HclInterpolationExpression one]
        ? one.EvaluateInner(scope)
        : HclValue.From(Join(parts, scope, Position));

    internal static string Join(IReadOnlyList<HclExpression> parts, HclScope scope, HclPosition position)
    {
        StringBuilder text = new();
        foreach (HclExpression part in parts)
        {
            int before = text.Length;
            text.Append(part.Evaluate(scope).Text);
            scope.Budget.Text(position, text.Length - before);
        }

        return text.ToString();
    }
}

/// <summary>The literal text in a template.</summary>
internal sealed class HclTextExpression(string text, HclPosition position) : HclExpression(position)
{
    public string Text => text;

    protected override HclValue EvaluateCore(HclScope scope) => HclValue.From(text);
}

internal sealed class HclInterpolationExpression(HclExpression inner, HclPosition position) : HclExpression(position)
{
    public HclValue EvaluateInner(HclScope scope) => inner.Evaluate(scope);

    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue value = inner.Evaluate(scope);
        return HclConversion.TryText(value) is { } text
            ? HclValue.From(text)
            : throw new HclException($"{HclConversion.Name(value)} cannot be part of a string.", Position);
    }
}

/// <summary>The directive <c>%{if …}…%{else}…%{endif}</c>.</summary>
internal sealed class HclTemplateIfExpression(HclExpression condition, IReadOnlyList<HclExpression> yes, IReadOnlyList<HclExpression> no, HclPosition position) : HclExpression(position)
{
    protected override HclValue EvaluateCore(HclScope scope) =>
        HclValue.From(HclTemplateExpression.Join(HclConversion.ToBool(condition.Evaluate(scope), condition.Position) ? yes : no, scope, Position));
}

/// <summary>The directive <c>%{for v in list}…%{endfor}</c>.</summary>
internal sealed class HclTemplateForExpression(string? key, string value, HclExpression collection, IReadOnlyList<HclExpression> parts, HclPosition position) : HclExpression(position)
{
    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue values = collection.Evaluate(scope);
        if (!values.IsSequence && !values.IsMapping)
        {
            throw new HclException($"{HclConversion.Name(values)} cannot be iterated.", collection.Position);
        }

        StringBuilder text = new();
        foreach ((HclValue number, HclValue each) in values.Elements())
        {
            scope.Budget.Step(Position);
            Dictionary<string, HclValue> names = new(StringComparer.Ordinal) { [value] = each };
            if (key is not null)
            {
                names[key] = number;
            }

            text.Append(HclTemplateExpression.Join(parts, new HclInnerScope(scope, names), Position));
        }

        return HclValue.From(text.ToString());
    }
}
