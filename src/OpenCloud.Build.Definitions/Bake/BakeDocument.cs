using OpenCloud.Build.Definitions.Hcl;
using OpenCloud.Build.Definitions.Hcl.Functions;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Evaluates all bake documents as one: variables, functions and references.</summary>
internal sealed class BakeDocument : HclScope
{
    private const string JsonSuffix = "_JSON";

    private static readonly HclJsonSchema Leaf = new(0, new Dictionary<string, HclJsonSchema>());

    private static readonly HclJsonSchema Schema = new(0, new Dictionary<string, HclJsonSchema>
    {
        ["target"] = new(1, Leaf.Blocks),
        ["group"] = new(1, Leaf.Blocks),
        ["function"] = new(1, Leaf.Blocks),
        ["variable"] = new(1, new Dictionary<string, HclJsonSchema> { ["validation"] = Leaf }),
    });

    private readonly Dictionary<string, string> _given;
    private readonly Func<string, string?> _lookup;
    private readonly Dictionary<string, BakeVariable> _variables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HclAttribute> _attributes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BakeFunction> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HclValue> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _running = new(StringComparer.Ordinal);
    private readonly List<HclBlock> _blocks = [];
    private ILookup<(string Type, string Name), BakeBlock> _instances = Array.Empty<BakeBlock>().ToLookup(static i => (i.Type, i.Name));

    /// <summary>Reads documents; <paramref name="given"/> has bake's own variables, <paramref name="lookup"/> the values from outside.</summary>
    public BakeDocument(IEnumerable<HclBody> bodies, IReadOnlyDictionary<string, string> given, Func<string, string?> lookup)
    {
        _given = new(given, StringComparer.Ordinal);
        _lookup = lookup;
        foreach (HclBody body in bodies)
        {
            foreach (HclAttribute attribute in body.Attributes.Where(a => !_given.ContainsKey(a.Name)))
            {
                _attributes[attribute.Name] = attribute;
            }

            foreach (HclBlock block in body.Blocks)
            {
                Add(block);
            }
        }
    }

    public override HclBudget Budget { get; } = new();

    public static HclBody ParseJson(string file, string text) => HclJson.Parse(file, text, Schema);

    /// <summary>Evaluates everything, and merges the targets and groups into those that other documents have defined.</summary>
    public void Evaluate(List<BakeTarget> targets, List<BakeGroup> groups)
    {
        foreach ((string name, BakeVariable variable) in _variables)
        {
            Variable(name, variable.Position);
        }

        Validate();
        BakeBlock[] instances = [.. _blocks.SelectMany(b => BakeBlock.Expand(b, this))];
        _instances = instances.ToLookup(static i => (i.Type, i.Name));
        Dictionary<string, BakeTarget> byName = targets.ToDictionary(static t => t.Name, StringComparer.Ordinal);
        Dictionary<string, int> places = groups.Select(static (g, i) => (g.Name, i)).ToDictionary(static g => g.Name, static g => g.i, StringComparer.Ordinal);
        foreach (BakeBlock instance in instances)
        {
            if (instance.IsGroup)
            {
                BakeGroup group = instance.Group();
                if (places.TryGetValue(group.Name, out int same))
                {
                    groups[same] = group;
                }
                else
                {
                    places[group.Name] = groups.Count;
                    groups.Add(group);
                }
            }
            else if (byName.TryGetValue(instance.Name, out BakeTarget? before))
            {
                before.Merge(instance.Target());
            }
            else
            {
                targets.Add(byName[instance.Name] = instance.Target());
            }
        }

        // A matrix also defines a group of its targets.
        foreach (IGrouping<string, BakeBlock> block in instances.Where(static i => !i.IsGroup).GroupBy(static i => i.Label))
        {
            string[] names = [.. block.Select(static i => i.Name).Distinct(StringComparer.Ordinal)];
            if (names is not [string one] || one != block.Key)
            {
                groups.Add(new BakeGroup(block.Key, names));
            }
        }

        foreach ((string name, HclAttribute attribute) in _attributes)
        {
            Variable(name, attribute.Position);
        }
    }

    public override HclFunction? Function(string name) => _functions.TryGetValue(name, out BakeFunction? own) ? own.Call : HclLibrary.Functions.GetValueOrDefault(name);

    public override HclValue? Variable(string name, HclPosition position)
    {
        if (_values.TryGetValue(name, out HclValue? known))
        {
            return known;
        }

        if (_given.TryGetValue(name, out string? given))
        {
            return HclValue.From(given);
        }

        HclAttribute? attribute = _attributes.GetValueOrDefault(name);
        BakeVariable? variable = _variables.GetValueOrDefault(name);
        if (attribute is null && variable is null)
        {
            return null;
        }

        if (!_running.Add(name))
        {
            throw new HclException($"the value of '{name}' refers to itself.", position);
        }

        Budget.Enter(position);
        try
        {
            return _values[name] = Value(name, attribute, variable);
        }
        finally
        {
            Budget.Leave();
            _running.Remove(name);
        }
    }

    public override HclValue? Reference(string name, IReadOnlyList<HclStep> steps, HclPosition position, out int taken)
    {
        taken = 0;
        if (name is not ("target" or "group"))
        {
            return Variable(name, position);
        }

        string block = steps.Count > 0 && steps[0].Name is { } word ? word : throw new HclException($"a name is expected after '{name}', for example {name}.app.", position);
        BakeBlock[] instances = [.. _instances[(name, block)]];
        if (instances.Length == 0)
        {
            throw new HclException($"there is no {name} named '{block}'.", position);
        }

        string? attribute = steps.Count > 1 ? steps[1].Name : null;
        taken = attribute is null ? 1 : 2;
        HclValue value = HclValue.Null;
        foreach (BakeBlock instance in instances)
        {
            value = attribute is null ? instance.Value(position) : instance.Value(attribute, position);
        }

        return value;
    }

    private void Add(HclBlock block)
    {
        switch (block.Type)
        {
            case "variable":
                BakeVariable variable = BakeVariable.Read(block);
                if (!_given.ContainsKey(variable.Name))
                {
                    _variables[variable.Name] = variable;
                }

                break;
            case "function":
                BakeFunction function = new(block, this);
                if (HclLibrary.Functions.ContainsKey(function.Name))
                {
                    break;
                }

                _functions[function.Name] = function;
                break;
            case "target" or "group":
                _blocks.Add(block);
                break;
            default:
                throw new HclException($"'{block.Type}' is not a block of a bake file; use target, group, variable or function.", block.Position);
        }
    }

    private HclValue Value(string name, HclAttribute? attribute, BakeVariable? variable)
    {
        HclType? type = attribute is null ? variable!.Type : null;
        HclAttribute? source = attribute ?? variable!.Default;
        string? text = variable is null ? null : _lookup(name);
        bool isJson = false;
        if (variable is not null && (text is null || type is not null) && !_variables.ContainsKey(name + JsonSuffix) && !_given.ContainsKey(name + JsonSuffix) && _lookup(name + JsonSuffix) is { } json)
        {
            text = json;
            isJson = true;
        }

        HclValue? given = source?.Value.Evaluate(this);
        if (given is not null && type is not null)
        {
            given = HclConversion.To(given, type, source!.Position);
        }

        if (text is null)
        {
            return given ?? (type is null ? HclValue.Empty : HclValue.Null);
        }

        return isJson && type is not null ? variable!.FromJson(text) : variable!.FromText(text, given);
    }

    private void Validate()
    {
        foreach ((HclExpression condition, HclExpression message) in _variables.Values.SelectMany(static v => v.Validations))
        {
            HclValue result = condition.Evaluate(this);
            if (result.IsNull)
            {
                throw new HclException("the condition of a validation must be true or false.", condition.Position);
            }

            if (!HclConversion.ToBool(result, condition.Position))
            {
                throw new HclException(HclConversion.TryText(message.Evaluate(this)) ?? "a validation failed.", condition.Position);
            }
        }
    }
}
