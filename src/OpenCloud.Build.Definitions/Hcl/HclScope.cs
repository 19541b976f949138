namespace OpenCloud.Build.Definitions.Hcl;

internal delegate HclValue HclFunction(HclCall call);

/// <summary>Resolves the variables and functions of an expression.</summary>
internal abstract class HclScope
{
    /// <summary>Shared by all scopes of an evaluation.</summary>
    public abstract HclBudget Budget { get; }

    public abstract HclFunction? Function(string name);

    public abstract HclValue? Variable(string name, HclPosition position);

    /// <summary>Resolves a variable. A scope may also resolve the first steps after it; <c>taken</c> is their number.</summary>
    public virtual HclValue? Reference(string name, IReadOnlyList<HclStep> steps, HclPosition position, out int taken)
    {
        taken = 0;
        return Variable(name, position);
    }
}

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

/// <summary>A function call. Its values are evaluated on first use, because some functions read the expressions instead.</summary>
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
