namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>A function: what it gives for a call.</summary>
internal delegate HclValue HclFunction(HclCall call);

/// <summary>What the names in an expression stand for.</summary>
internal abstract class HclScope
{
    /// <summary>The limits, the same for all scopes of an evaluation.</summary>
    public abstract HclBudget Budget { get; }

    /// <summary>The function of a name; null where there is none.</summary>
    public abstract HclFunction? Function(string name);

    /// <summary>The value of a name; null where there is none.</summary>
    public abstract HclValue? Variable(string name, HclPosition position);

    /// <summary>The value of a name and of the steps that follow it. A scope may take more of them than the name at once.</summary>
    public virtual HclValue? Reference(string name, IReadOnlyList<HclStep> steps, HclPosition position, out int taken)
    {
        taken = 0;
        return Variable(name, position);
    }
}

/// <summary>A scope with some names of its own.</summary>
internal sealed class HclInnerScope(HclScope outer, IReadOnlyDictionary<string, HclValue> variables) : HclScope
{
    public override HclBudget Budget => outer.Budget;

    public override HclFunction? Function(string name) => outer.Function(name);

    public override HclValue? Variable(string name, HclPosition position) => variables.TryGetValue(name, out HclValue? value) ? value : outer.Variable(name, position);

    public override HclValue? Reference(string name, IReadOnlyList<HclStep> steps, HclPosition position, out int taken)
    {
        taken = 0;
        return variables.TryGetValue(name, out HclValue? value) ? value : outer.Reference(name, steps, position, out taken);
    }
}

/// <summary>A call of a function. Its values are evaluated when they are asked for: some functions look at the expressions.</summary>
internal sealed class HclCall(HclCallExpression expression, HclScope scope)
{
    private IReadOnlyList<HclValue>? _values;

    public string Name => expression.Name;

    public HclPosition Position => expression.Position;

    public HclScope Scope => scope;

    public IReadOnlyList<HclExpression> Arguments => expression.Arguments;

    public int Count => Values.Count;

    public IReadOnlyList<HclValue> Values => _values ??= expression.EvaluateArguments(scope);

    public HclException Refuse(string message) => new($"{Name}: {message}", Position);
}
