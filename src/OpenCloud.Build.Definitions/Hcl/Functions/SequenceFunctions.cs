namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class SequenceFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["chunklist"] = static c => c.Integer(1) is >= 0 and int size
            ? c.Made(size == 0 ? [HclValue.List(c.Takes(2).Items(0))] : c.Takes(2).Items(0).Chunk(size).Select(HclValue.List))
            : throw c.Refuse("the chunk size must be 0 or more.");
        all["coalescelist"] = static c => c.Takes(1, int.MaxValue).Values.FirstOrDefault(static v => v.IsSequence && v.Count > 0) ?? throw c.Refuse("all lists are empty.");
        all["compact"] = static c => c.Made(c.Takes(1).Items(0).Where(static v => !v.IsNull && !(v.Kind == HclKind.Text && v.Text.Length == 0)));
        all["concat"] = static c =>
        {
            IEnumerable<HclValue> items = c.Counted(Enumerable.Range(0, c.Takes(1, int.MaxValue).Count).SelectMany(c.Items));
            return c.Values.All(static v => v.Kind == HclKind.List) ? HclValue.List(items) : HclValue.Tuple(items);
        };
        all["distinct"] = static c => c.Made(c.Takes(1).Items(0).Distinct());
        all["element"] = static c =>
        {
            IReadOnlyList<HclValue> items = c.Takes(2).Items(0);
            int index = c.Integer(1);
            return items.Count == 0 ? throw c.Refuse("the list is empty.") : items[((index % items.Count) + items.Count) % items.Count];
        };
        all["flatten"] = static c => HclValue.Tuple(c.Counted(Flat(c, c.Takes(1).Items(0), 0)));
        all["reverselist"] = static c => HclValue.Tuple(c.Takes(1).Items(0).Reverse());
        all["slice"] = Slice;
        all["sort"] = static c => HclValue.Strings(c.Takes(1).Texts(0).Order(StringComparer.Ordinal));
        all["setproduct"] = Product;
    }

    private static IEnumerable<HclValue> Flat(HclCall call, IReadOnlyList<HclValue> items, int depth)
    {
        if (depth > HclBudget.MostDepth)
        {
            throw call.Refuse("the lists are nested too deeply.");
        }

        return items.SelectMany(i => i.IsSequence ? Flat(call, i.Items, depth + 1) : [i]);
    }

    private static HclValue Slice(HclCall call)
    {
        IReadOnlyList<HclValue> items = call.Takes(3).Items(0);
        int start = call.Integer(1);
        int end = call.Integer(2);
        if (start < 0 || end < start || end > items.Count)
        {
            throw call.Refuse($"the list has {items.Count} elements; the range {start} to {end} is outside.");
        }

        IEnumerable<HclValue> taken = items.Skip(start).Take(end - start);
        return call.Value(0).Kind == HclKind.List ? HclValue.List(taken) : HclValue.Tuple(taken);
    }

    private static HclValue Product(HclCall call)
    {
        call.Takes(1, int.MaxValue);
        List<IReadOnlyList<HclValue>> made = [[]];
        for (int i = 0; i < call.Count; i++)
        {
            IReadOnlyList<HclValue> items = call.Items(i);
            // Counts the elements before it creates them.
            call.Scope.Budget.Step(call.Position, (long)made.Count * items.Count * (i + 1));
            made = [.. made.SelectMany(m => items.Select(item => (IReadOnlyList<HclValue>)[.. m, item]))];
        }

        IEnumerable<HclValue> tuples = made.Select(HclValue.Tuple);
        return call.Values.All(static v => v.Kind == HclKind.Set) ? HclValue.Set(tuples) : HclValue.List(tuples);
    }
}
