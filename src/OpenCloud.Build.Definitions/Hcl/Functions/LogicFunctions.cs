namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class LogicFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["and"] = static c => HclValue.From(c.Takes(2).Truth(0) & c.Truth(1));
        all["or"] = static c => HclValue.From(c.Takes(2).Truth(0) | c.Truth(1));
        all["not"] = static c => HclValue.From(!c.Takes(1).Truth(0));
        all["equal"] = static c => HclValue.From(c.Takes(2).Values[0].Equals(c.Values[1]));
        all["notequal"] = static c => HclValue.From(!c.Takes(2).Values[0].Equals(c.Values[1]));
        all["greaterthan"] = static c => HclValue.From(c.Takes(2).Number(0) > c.Number(1));
        all["greaterthanorequalto"] = static c => HclValue.From(c.Takes(2).Number(0) >= c.Number(1));
        all["lessthan"] = static c => HclValue.From(c.Takes(2).Number(0) < c.Number(1));
        all["lessthanorequalto"] = static c => HclValue.From(c.Takes(2).Number(0) <= c.Number(1));
        all["try"] = Try;
        all["can"] = static c => HclValue.From(c.Arguments.Count == 1 ? TryEvaluate(c, c.Arguments[0], out _) : throw c.Refuse("it requires one argument."));
        all["convert"] = static c => c.Arguments.Count == 2
            ? HclConversion.To(c.Arguments[0].Evaluate(c.Scope), HclType.Parse(c.Arguments[1]), c.Position)
            : throw c.Refuse("it requires a value and a type.");
        all["coalesce"] = static c => c.Takes(1, int.MaxValue).Values.FirstOrDefault(static v => !v.IsNull) ?? throw c.Refuse("all arguments are null.");
    }

    private static HclValue Try(HclCall call)
    {
        foreach (HclExpression argument in call.Arguments)
        {
            if (TryEvaluate(call, argument, out HclValue value))
            {
                return value;
            }
        }

        throw call.Refuse("none of its arguments has a value.");
    }

    private static bool TryEvaluate(HclCall call, HclExpression argument, out HclValue value)
    {
        try
        {
            value = argument.Evaluate(call.Scope);
            return true;
        }
        catch (HclException exception) when (!exception.IsBudget)
        {
            value = HclValue.Null;
            return false;
        }
    }
}
