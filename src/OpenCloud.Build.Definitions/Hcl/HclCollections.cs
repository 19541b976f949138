namespace OpenCloud.Build.Definitions.Hcl;

internal sealed class HclTupleExpression(IReadOnlyList<HclExpression> items, HclPosition position) : HclExpression(position)
{
    public IReadOnlyList<HclExpression> Items => items;

    protected override HclValue EvaluateCore(HclScope scope) => HclValue.Tuple(items.Select(i => i.Evaluate(scope)));
}

/// <summary>An object. A key that is an identifier is a name, not a variable.</summary>
internal sealed class HclObjectExpression(IReadOnlyList<(HclExpression Key, HclExpression Value)> items, HclPosition position) : HclExpression(position)
{
    public IReadOnlyList<(HclExpression Key, HclExpression Value)> Items => items;

    protected override HclValue EvaluateCore(HclScope scope)
    {
        List<KeyValuePair<string, HclValue>> entries = [];
        foreach ((HclExpression key, HclExpression value) in items)
        {
            HclValue name = key.Keyword is { } word ? HclValue.From(word) : key.Evaluate(scope);
            if (name.IsNull)
            {
                throw new HclException("a key is null.", key.Position);
            }

            entries.Add(KeyValuePair.Create(HclConversion.ToText(name, key.Position), value.Evaluate(scope)));
        }

        return HclValue.Object(entries);
    }
}

/// <summary>A <c>for</c> expression: <c>[for v in list : …]</c>, <c>{for k, v in map : k => v}</c>.</summary>
internal sealed class HclForExpression(HclPosition position) : HclExpression(position)
{
    public string? KeyName { get; init; }

    public required string ValueName { get; init; }

    public required HclExpression Collection { get; init; }

    /// <summary>Null for a tuple.</summary>
    public HclExpression? Key { get; init; }

    public required HclExpression Value { get; init; }

    public HclExpression? Condition { get; init; }

    /// <summary>Whether the values of equal keys are grouped into a tuple (<c>...</c>).</summary>
    public bool IsGrouped { get; init; }

    protected override HclValue EvaluateCore(HclScope scope)
    {
        HclValue collection = Collection.Evaluate(scope);
        if (!collection.IsSequence && !collection.IsMapping)
        {
            throw new HclException($"{HclConversion.Name(collection)} cannot be iterated.", Collection.Position);
        }

        List<HclValue> values = [];
        Dictionary<string, HclValue> entries = new(StringComparer.Ordinal);
        Dictionary<string, List<HclValue>> groups = new(StringComparer.Ordinal);
        foreach ((HclValue key, HclValue value) in collection.Elements())
        {
            scope.Budget.Step(Position);
            Dictionary<string, HclValue> names = new(StringComparer.Ordinal) { [ValueName] = value };
            if (KeyName is not null)
            {
                names[KeyName] = key;
            }

            HclInnerScope inner = new(scope, names);
            if (Condition is not null && !HclConversion.ToBool(Condition.Evaluate(inner), Condition.Position))
            {
                continue;
            }

            if (Key is null)
            {
                values.Add(Value.Evaluate(inner));
                continue;
            }

            string name = HclConversion.ToText(Key.Evaluate(inner), Key.Position);
            HclValue made = Value.Evaluate(inner);
            if (IsGrouped)
            {
                if (!groups.TryGetValue(name, out List<HclValue>? group))
                {
                    groups[name] = group = [];
                }

                group.Add(made);
            }
            else if (!entries.TryAdd(name, made))
            {
                throw new HclException($"two elements have the key '{name}'; use '...' after the value to group them.", Key.Position);
            }
        }

        return Key is null
            ? HclValue.Tuple(values)
            : HclValue.Object(IsGrouped ? groups.Select(static g => KeyValuePair.Create(g.Key, HclValue.Tuple(g.Value))) : entries);
    }
}
