namespace OpenCloud.Build.Definitions.Hcl;

internal sealed class HclBinaryExpression(string sign, HclExpression left, HclExpression right, HclPosition position) : HclExpression(position)
{
    /// <summary>The operators by precedence, lowest first.</summary>
    public static readonly string[][] Levels = [["||"], ["&&"], ["==", "!="], [">", ">=", "<", "<="], ["+", "-"], ["*", "/", "%"]];

    protected override HclValue EvaluateCore(HclScope scope)
    {
        if (sign is "&&" or "||")
        {
            bool first = HclConversion.ToBool(left.Evaluate(scope), left.Position);
            return HclValue.From(first == (sign == "||") ? first : HclConversion.ToBool(right.Evaluate(scope), right.Position));
        }

        HclValue a = left.Evaluate(scope);
        HclValue b = right.Evaluate(scope);
        if (sign is "==" or "!=")
        {
            scope.Budget.Step(Position, Math.Min(a.Size, b.Size));
            return HclValue.From(a.Equals(b) == (sign == "=="));
        }

        decimal x = HclConversion.ToNumber(a, left.Position);
        decimal y = HclConversion.ToNumber(b, right.Position);
        try
        {
            return sign switch
            {
                ">" => HclValue.From(x > y),
                ">=" => HclValue.From(x >= y),
                "<" => HclValue.From(x < y),
                "<=" => HclValue.From(x <= y),
                "+" => HclValue.From(x + y),
                "-" => HclValue.From(x - y),
                "*" => HclValue.From(x * y),
                "/" => HclValue.From(x / y),
                _ => HclValue.From(x % y),
            };
        }
        catch (DivideByZeroException exception)
        {
            throw new HclException("division by zero.", Position, exception);
        }
        catch (OverflowException exception)
        {
            throw new HclException("the number is too large.", Position, exception);
        }
    }
}

internal sealed class HclUnaryExpression(string sign, HclExpression operand, HclPosition position) : HclExpression(position)
{
    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue value = operand.Evaluate(scope);
        return sign == "!" ? HclValue.From(!HclConversion.ToBool(value, operand.Position)) : HclValue.From(-HclConversion.ToNumber(value, operand.Position));
    }
}

/// <summary>A conditional. Both results are evaluated, and must have one type.</summary>
internal sealed class HclConditionalExpression(HclExpression condition, HclExpression yes, HclExpression no, HclPosition position) : HclExpression(position)
{
    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue first = yes.Evaluate(scope);
        HclValue second = no.Evaluate(scope);
        (HclValue First, HclValue Second) unified = HclConversion.Unify(first, second)
            ?? throw new HclException($"the two results of the condition are {HclConversion.Name(first)} and {HclConversion.Name(second)}; they must be of one type.", Position);
        return HclConversion.ToBool(condition.Evaluate(scope), condition.Position) ? unified.First : unified.Second;
    }
}
