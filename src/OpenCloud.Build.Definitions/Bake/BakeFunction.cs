using OpenCloud.Build.Definitions.Hcl;

namespace OpenCloud.Build.Definitions.Bake;

internal sealed class BakeFunction
{
    private readonly HclScope _root;
    private readonly IReadOnlyList<string> _names;
    private readonly string? _rest;
    private readonly HclExpression _result;
    private bool _isRunning;

    public BakeFunction(HclBlock block, HclScope root)
    {
        _root = root;
        Name = block.Labels is [string label] ? label : throw new HclException("a function must have one name.", block.Position);
        HclAttribute? unknown = block.Body.Attributes.FirstOrDefault(static a => a.Name is not ("params" or "variadic_params" or "result"));
        if (unknown is not null || block.Body.Blocks.Count > 0)
        {
            throw new HclException($"'{unknown?.Name ?? block.Body.Blocks[0].Type}' is not a field of a function; use params, variadic_params or result.", unknown?.Position ?? block.Body.Blocks[0].Position);
        }

        HclAttribute names = block.Body.Attribute("params") ?? throw new HclException($"the function '{Name}' has no 'params'.", block.Position);
        _names = names.Value is HclTupleExpression list ? [.. list.Items.Select(Word)] : throw new HclException("'params' must be a list of names.", names.Position);
        _rest = block.Body.Attribute("variadic_params") is { } rest ? Word(rest.Value) : null;
        _result = block.Body.Attribute("result")?.Value ?? throw new HclException($"the function '{Name}' has no 'result'.", block.Position);
    }

    public string Name { get; }

    public HclValue Call(HclCall call)
    {
        IReadOnlyList<HclValue> values = call.Values;
        if (values.Count < _names.Count || (_rest is null && values.Count > _names.Count))
        {
            throw call.Refuse($"wrong number of arguments: {values.Count} instead of {(_rest is null ? "" : "at least ")}{_names.Count}.");
        }

        Dictionary<string, HclValue> variables = new(StringComparer.Ordinal);
        for (int i = 0; i < _names.Count; i++)
        {
            variables[_names[i]] = values[i];
        }

        if (_rest is not null)
        {
            variables[_rest] = HclValue.Tuple(values.Skip(_names.Count));
        }

        if (_isRunning)
        {
            throw call.Refuse("a function cannot call itself.");
        }

        _isRunning = true;
        try
        {
            return _result.Evaluate(new HclInnerScope(_root, variables));
        }
        finally
        {
            _isRunning = false;
        }
    }

    private static string Word(HclExpression expression) =>
        expression.Keyword ?? expression.Template ?? throw new HclException("the name of a parameter must be a word.", expression.Position);
}
