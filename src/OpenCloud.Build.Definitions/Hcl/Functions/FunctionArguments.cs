namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>Converts the arguments of a call, and counts results against the budget.</summary>
internal static class FunctionArguments
{
    /// <summary>Checks the number of arguments: exactly <c>least</c> when <c>most</c> is null.</summary>
    public static HclCall Takes(this HclCall call, int least, int? most = null)
    {
        int limit = most ?? least;
        if (call.Count < least || call.Count > limit)
        {
            string wanted = limit == int.MaxValue ? $"at least {least}" : least == limit ? $"{least}" : $"{least} to {limit}";
            throw call.Refuse($"wrong number of arguments: {call.Count} instead of {wanted}.");
        }

        return call;
    }

    public static HclValue Value(this HclCall call, int index) => call.Values[index].IsNull
        ? throw call.Refuse($"argument {index + 1} is null.")
        : call.Values[index];

    public static string Text(this HclCall call, int index) => HclConversion.ToText(call.Value(index), call.Position);

    public static decimal Number(this HclCall call, int index) => HclConversion.ToNumber(call.Value(index), call.Position);

    public static int Integer(this HclCall call, int index) => HclConversion.ToInteger(call.Value(index), call.Position);

    public static bool Truth(this HclCall call, int index) => HclConversion.ToBool(call.Value(index), call.Position);

    public static IReadOnlyList<HclValue> Items(this HclCall call, int index) => HclConversion.ToItems(call.Value(index), call.Position);

    public static IReadOnlyDictionary<string, HclValue> Entries(this HclCall call, int index) => HclConversion.ToEntries(call.Value(index), call.Position);

    public static IReadOnlyList<string> Texts(this HclCall call, int index) => [.. call.Items(index).Select(i => HclConversion.ToText(i, call.Position))];

    /// <summary>Creates a string and counts its characters.</summary>
    public static HclValue Made(this HclCall call, string text)
    {
        call.Scope.Budget.Text(call.Position, text.Length);
        return HclValue.From(text);
    }

    /// <summary>Creates a list and counts its elements.</summary>
    public static HclValue Made(this HclCall call, IEnumerable<HclValue> items) => HclValue.List(call.Counted(items));

    /// <summary>Counts the elements as they are enumerated.</summary>
    public static IEnumerable<HclValue> Counted(this HclCall call, IEnumerable<HclValue> items)
    {
        foreach (HclValue item in items)
        {
            call.Scope.Budget.Step(call.Position);
            yield return item;
        }
    }
}
