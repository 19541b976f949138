using OpenCloud.Build.Definitions.Hcl;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>A target or group block; one instance for each combination of its matrix.</summary>
internal sealed class BakeBlock
{
    private const int MostCombinations = 4096;

    private readonly HclBlock _block;
    private readonly HclScope _scope;
    private readonly Dictionary<string, BakeTarget> _parts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _running = new(StringComparer.Ordinal);

    private BakeBlock(HclBlock block, HclScope scope, string name)
    {
        _block = block;
        _scope = scope;
        Name = name;
    }

    public string Type => _block.Type;

    public bool IsGroup => Type == "group";

    /// <summary>The name in the block's header.</summary>
    public string Label => _block.Labels[0];

    public string Name { get; }

    public static List<BakeBlock> Expand(HclBlock block, HclScope root)
    {
        string label = block.Labels is [string one] ? one : throw new HclException($"a {block.Type} must have one name.", block.Position);
        RefuseName(label, block.Position);
        HclAttribute? matrix = block.Body.Attribute("matrix");
        HclAttribute? name = block.Body.Attribute("name");
        if (block.Type == "group" && (matrix ?? name) is { } wrong)
        {
            throw new HclException($"'{wrong.Name}' is not a field of a group.", wrong.Position);
        }

        if (matrix is null)
        {
            return name is null ? [new BakeBlock(block, root, label)] : throw new HclException("'name' is only allowed for a target with a 'matrix'.", name.Position);
        }

        List<BakeBlock> expanded = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (Dictionary<string, HclValue> combination in Combinations(matrix, root))
        {
            HclInnerScope scope = new(root, combination);
            string each = name is null ? label : HclConversion.ToText(name.Value.Evaluate(scope), name.Position);
            RefuseName(each, name?.Position ?? block.Position);
            expanded.Add(names.Add(each) ? new BakeBlock(block, scope, each) : throw new HclException($"two combinations of the matrix have the name '{each}'.", (name ?? matrix).Position));
        }

        return expanded;
    }

    /// <summary>The value of a reference to one attribute.</summary>
    public HclValue Value(string attribute, HclPosition position)
    {
        if (attribute == "name")
        {
            return HclValue.From(Name);
        }

        if (IsGroup)
        {
            BakeGroup group = Group();
            return attribute switch
            {
                "targets" => HclValue.Strings(group.Targets),
                "description" => HclValue.From(group.Description ?? string.Empty),
                _ => throw new HclException($"'{attribute}' is not a field of a group.", position),
            };
        }

        BakeField field = BakeField.All.GetValueOrDefault(attribute) ?? throw new HclException($"'{attribute}' is not a field of a target.", position);
        return field.Get(Part(field, position));
    }

    /// <summary>The value of a reference to the whole block.</summary>
    public HclValue Value(HclPosition position) => HclValue.Object(
        (IsGroup ? ["name", "targets", "description"] : BakeField.All.Keys.Append("name")).Select(n => KeyValuePair.Create(n, Value(n, position))));

    public BakeGroup Group()
    {
        HclAttribute targets = _block.Body.Attribute("targets") ?? throw new HclException($"the group '{Name}' has no 'targets'.", _block.Position);
        HclAttribute? unknown = _block.Body.Attributes.FirstOrDefault(static a => a.Name is not ("targets" or "description"));
        if (unknown is not null || _block.Body.Blocks.Count > 0)
        {
            throw new HclException($"'{unknown?.Name ?? _block.Body.Blocks[0].Type}' is not a field of a group; use targets or description.", unknown?.Position ?? _block.Body.Blocks[0].Position);
        }

        HclValue? description = _block.Body.Attribute("description")?.Value.Evaluate(_scope);
        return new BakeGroup(Name, BakeField.ToTexts(targets.Value.Evaluate(_scope), targets.Position) ?? [], description is null ? null : HclConversion.TryText(description));
    }

    public BakeTarget Target()
    {
        if (_block.Body.Blocks.Count > 0)
        {
            throw new HclException($"a target cannot contain the block '{_block.Body.Blocks[0].Type}'.", _block.Body.Blocks[0].Position);
        }

        BakeTarget target = New();
        foreach (HclAttribute attribute in _block.Body.Attributes)
        {
            if (attribute.Name is "matrix" or "name")
            {
                continue;
            }

            BakeField field = BakeField.All.GetValueOrDefault(attribute.Name) ?? throw new HclException($"'{attribute.Name}' is not a field of a target.", attribute.Position);
            target.Merge(Part(field, attribute.Position));
        }

        return target;
    }

    private static void RefuseName(string name, HclPosition position)
    {
        if (name.Length == 0 || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
        {
            throw new HclException($"'{name}' is not a valid name of a target or group; use ASCII letters, digits, '_' and '-'.", position);
        }
    }

    private static List<Dictionary<string, HclValue>> Combinations(HclAttribute matrix, HclScope root)
    {
        List<Dictionary<string, HclValue>> combinations = [new(StringComparer.Ordinal)];
        foreach ((string key, HclValue values) in HclConversion.ToEntries(matrix.Value.Evaluate(root), matrix.Position))
        {
            if (!values.IsSequence && !values.IsMapping)
            {
                throw new HclException($"the values of '{key}' in the matrix must be a list.", matrix.Position);
            }

            if ((long)combinations.Count * values.Count > MostCombinations)
            {
                throw new HclException($"the matrix has more than {MostCombinations} combinations.", matrix.Position, isBudget: true);
            }

            combinations = [.. combinations.SelectMany(c => values.Elements().Select(v => new Dictionary<string, HclValue>(c, StringComparer.Ordinal) { [key] = v.Value }))];
            root.Budget.Step(matrix.Position, combinations.Count);
        }

        return combinations;
    }

    private BakeTarget New() => new() { Name = Name, File = _block.Position.File, Line = _block.Position.Line };

    // A target with only this attribute; evaluated once.
    private BakeTarget Part(BakeField field, HclPosition position)
    {
        if (_parts.TryGetValue(field.Name, out BakeTarget? part))
        {
            return part;
        }

        if (!_running.Add(field.Name))
        {
            throw new HclException($"'{field.Name}' of the target '{Name}' refers to itself.", position);
        }

        part = New();
        if (_block.Body.Attribute(field.Name) is { } attribute)
        {
            field.Set(part, attribute.Value.Evaluate(_scope), attribute.Position);
        }

        _running.Remove(field.Name);
        return _parts[field.Name] = part;
    }
}
