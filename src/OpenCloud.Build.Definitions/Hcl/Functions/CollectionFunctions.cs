namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class CollectionFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["length"] = static c => HclValue.From((decimal)Collection(c.Takes(1), 0).Count);
        all["keys"] = static c => c.Made(c.Takes(1).Entries(0).Keys.Select(HclValue.From));
        all["values"] = static c => c.Made(c.Takes(1).Entries(0).Values);
        all["lookup"] = static c => c.Takes(2, 3).Entries(0).TryGetValue(c.Text(1), out HclValue? found)
            ? found
            : c.Count == 3 ? c.Values[2] : throw c.Refuse($"there is no '{c.Text(1)}' in the map.");
        all["merge"] = Merge;
        all["zipmap"] = ZipMap;
        all["hasindex"] = static c => HclValue.From(Has(Collection(c.Takes(2), 0), c.Value(1)));
        all["index"] = static c => Has(Collection(c.Takes(2), 0), c.Value(1)) ? At(c.Value(0), c.Value(1)) : throw c.Refuse("the collection has no such element.");
        all["contains"] = static c => HclValue.From(c.Takes(2).Items(0).Any(i => Same(i, c.Values[1])));
        all["indexof"] = static c =>
        {
            IReadOnlyList<HclValue> items = c.Takes(2).Items(0);
            for (int i = 0; i < items.Count; i++)
            {
                if (items[i].Equals(c.Values[1]))
                {
                    return HclValue.From((decimal)i);
                }
            }

            throw c.Refuse(items.Count == 0 ? "the list is empty." : "the list has no such element.");
        };
    }

    /// <summary>Whether two values are equal after conversion to one type.</summary>
    public static bool Same(HclValue first, HclValue second) =>
        first.Equals(second) || (HclConversion.Unify(first, second) is { } unified && unified.First.Equals(unified.Second));

    private static HclValue Collection(HclCall call, int index)
    {
        HclValue value = call.Value(index);
        return value.IsSequence || value.IsMapping ? value : throw call.Refuse($"a collection is required, but this is {HclConversion.Name(value)}.");
    }

    private static bool Has(HclValue collection, HclValue key) => collection.IsMapping
        ? HclConversion.TryText(key) is { } name && collection.Entries.ContainsKey(name)
        : collection.Kind != HclKind.Set && key.Kind == HclKind.Number && key.Number == decimal.Truncate(key.Number) && key.Number >= 0 && key.Number < collection.Count;

    private static HclValue At(HclValue collection, HclValue key) => collection.IsMapping ? collection.Entries[HclConversion.TryText(key)!] : collection.Items[(int)key.Number];

    private static HclValue Merge(HclCall call)
    {
        Dictionary<string, HclValue> merged = new(StringComparer.Ordinal);
        bool isMap = true;
        for (int i = 0; i < call.Count; i++)
        {
            if (call.Values[i].IsNull)
            {
                continue;
            }

            isMap &= call.Values[i].Kind == HclKind.Map;
            foreach ((string key, HclValue value) in call.Entries(i))
            {
                call.Scope.Budget.Step(call.Position);
                merged[key] = value;
            }
        }

        return isMap && merged.Count > 0 ? HclValue.Map(merged) : HclValue.Object(merged);
    }

    private static HclValue ZipMap(HclCall call)
    {
        IReadOnlyList<string> keys = call.Takes(2).Texts(0);
        IReadOnlyList<HclValue> values = call.Items(1);
        if (keys.Count != values.Count)
        {
            throw call.Refuse($"there are {keys.Count} keys and {values.Count} values.");
        }

        IEnumerable<KeyValuePair<string, HclValue>> entries = keys.Zip(values, static (k, v) => KeyValuePair.Create(k, v));
        return call.Value(1).Kind == HclKind.List ? HclValue.Map(entries) : HclValue.Object(entries);
    }
}
