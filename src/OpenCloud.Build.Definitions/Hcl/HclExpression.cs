using System.Text.RegularExpressions;

namespace OpenCloud.Build.Definitions.Hcl;

internal abstract class HclExpression(HclPosition position)
{
    public HclPosition Position { get; } = position;

    /// <summary>The word when the expression is a single word; null otherwise. As an object key or a type, it is not a variable.</summary>
    public virtual string? Keyword => null;

    /// <summary>The text of a template without interpolations and directives; null otherwise.</summary>
    public virtual string? Template => null;

    public HclValue Evaluate(HclScope scope)
    {
        scope.Budget.Step(Position);
        scope.Budget.Enter(Position);
        try
        {
            return EvaluateCore(scope);
        }
        catch (HclException exception) when (exception.Position == default)
        {
            throw new HclException(exception.Message, Position, isBudget: true);
        }
        finally
        {
            scope.Budget.Leave();
        }
    }

    protected abstract HclValue EvaluateCore(HclScope scope);
}

internal sealed class HclLiteralExpression(HclValue value, HclPosition position, string? keyword = null) : HclExpression(position)
{
    public HclValue Value => value;

    public override string? Keyword => keyword;

    protected override HclValue EvaluateCore(HclScope scope) => value;
}

/// <summary>An expression in parentheses: <c>(name)</c> is a variable even as an object key.</summary>
internal sealed class HclBracketExpression(HclExpression inner, HclPosition position) : HclExpression(position)
{
    protected override HclValue EvaluateCore(HclScope scope) => inner.Evaluate(scope);
}

/// <summary>A traversal step: an attribute name or an index.</summary>
internal readonly record struct HclStep(string? Name, HclExpression? Index, HclPosition Position)
{
    public HclValue Take(HclValue value, HclScope scope) => Name is not null ? ByName(value) : ByIndex(value, Index!.Evaluate(scope));

    private HclValue ByName(HclValue value) => value switch
    {
        { IsNull: true } => throw new HclException($"there is no '{Name}' in null.", Position),
        { IsMapping: true } => value.Entries.TryGetValue(Name!, out HclValue? entry) ? entry : throw new HclException($"there is no '{Name}' in this {value.KindName}.", Position),
        _ => throw new HclException($"there is no '{Name}' in a {value.KindName}.", Position),
    };

    private HclValue ByIndex(HclValue value, HclValue index)
    {
        if (value.IsMapping)
        {
            string key = HclConversion.ToText(index, Position);
            return value.Entries.TryGetValue(key, out HclValue? entry) ? entry : throw new HclException($"there is no '{key}' in this {value.KindName}.", Position);
        }

        if (value.Kind is not (HclKind.List or HclKind.Tuple))
        {
            throw new HclException($"{HclConversion.Name(value)} cannot be indexed.", Position);
        }

        int number = HclConversion.ToInteger(index, Position);
        return number >= 0 && number < value.Count
            ? value.Items[number]
            : throw new HclException($"the {value.KindName} has {value.Count} elements; the index {number} is out of range.", Position);
    }
}

/// <summary>A variable and its traversal.</summary>
internal sealed class HclReferenceExpression(string name, IReadOnlyList<HclStep> steps, HclPosition position) : HclExpression(position)
{
    public string Name => name;

    public IReadOnlyList<HclStep> Steps => steps;

    public override string? Keyword => steps.Count == 0 ? name : null;

    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue value = scope.Reference(name, steps, Position, out int taken)
            ?? throw new HclException($"there is no variable named '{name}'.", Position);
        foreach (HclStep step in steps.Skip(taken))
        {
            value = step.Take(value, scope);
        }

        return value;
    }
}

/// <summary>A traversal of an expression that is not a variable.</summary>
internal sealed class HclStepsExpression(HclExpression inner, IReadOnlyList<HclStep> steps, HclPosition position) : HclExpression(position)
{
    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue value = inner.Evaluate(scope);
        foreach (HclStep step in steps)
        {
            value = step.Take(value, scope);
        }

        return value;
    }
}

/// <summary>A splat, which applies steps to each element: <c>list[*].name</c> and <c>list.*.name</c>.</summary>
internal sealed class HclSplatExpression(HclExpression inner, IReadOnlyList<HclStep> steps, HclPosition position) : HclExpression(position)
{
    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue value = inner.Evaluate(scope);
        if (value.IsNull)
        {
            return HclValue.Tuple([]);
        }

        // A value that is not a sequence counts as a tuple of one element.
        IReadOnlyList<HclValue> items = value.IsSequence ? value.Items : [value];
        List<HclValue> taken = [];
        foreach (HclValue item in items)
        {
            scope.Budget.Step(Position);
            HclValue each = item;
            foreach (HclStep step in steps)
            {
                each = step.Take(each, scope);
            }

            taken.Add(each);
        }

        return HclValue.Tuple(taken);
    }
}

internal sealed class HclCallExpression(string name, IReadOnlyList<HclExpression> arguments, bool expands, HclPosition position) : HclExpression(position)
{
    public string Name => name;

    public IReadOnlyList<HclExpression> Arguments => arguments;

    public IReadOnlyList<HclValue> EvaluateArguments(HclScope scope)
    {
        List<HclValue> values = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            HclValue value = arguments[i].Evaluate(scope);
            // Most functions visit all values in their arguments.
            scope.Budget.Step(Position, value.Size);
            if (expands && i == arguments.Count - 1)
            {
                values.AddRange(HclConversion.ToItems(value, arguments[i].Position));
            }
            else
            {
                values.Add(value);
            }
        }

        return values;
    }

    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclFunction function = scope.Function(name) ?? throw new HclException($"there is no function named '{name}'.", Position);
        try
        {
            return function(new HclCall(this, scope));
        }
        catch (Exception exception) when (exception is OverflowException or DivideByZeroException)
        {
            throw new HclException($"{name}: the number is too large.", Position, exception);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new HclException($"{name}: the pattern takes too long.", Position, isBudget: true);
        }
    }
}
