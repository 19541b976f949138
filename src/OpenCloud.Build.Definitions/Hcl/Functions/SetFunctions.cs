namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class SetFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["sethaselement"] = static c => HclValue.From(c.Takes(2).Items(0).Any(i => CollectionFunctions.Same(i, c.Values[1])));
        all["setunion"] = static c => HclValue.Set(Sets(c).SelectMany(static s => s));
        all["setintersection"] = static c => HclValue.Set(Sets(c).Aggregate(static (a, b) => [.. a.Where(b.ToHashSet().Contains)]));
        all["setsubtract"] = static c => HclValue.Set(c.Takes(2).Items(0).Except(c.Items(1)));
        all["setsymmetricdifference"] = static c => HclValue.Set(Sets(c).Aggregate(static (a, b) => [.. a.Except(b).Concat(b.Except(a))]));
    }

    private static IEnumerable<IReadOnlyList<HclValue>> Sets(HclCall call)
    {
        call.Takes(1, int.MaxValue);
        IReadOnlyList<IReadOnlyList<HclValue>> sets = [.. Enumerable.Range(0, call.Count).Select(call.Items)];
        call.Scope.Budget.Step(call.Position, sets.Sum(static s => (long)s.Count));
        return sets;
    }
}
