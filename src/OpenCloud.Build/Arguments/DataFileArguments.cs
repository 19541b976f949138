using System.Globalization;
using System.Management.Automation.Language;
using System.Text;
using System.Text.Json;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Converts a PowerShell data file to JSON of the same shape. Only constants are accepted, as by <c>Import-PowerShellDataFile</c>: no command runs.
/// Every key keeps its line, so that messages name the line of the data file.
/// </summary>
internal sealed class DataFileArguments
{
    private const int MostDepth = 50;

    private readonly string _file;
    private readonly StringBuilder _json = new();
    private int _line = 1;

    private DataFileArguments(string file) => _file = file;

    /// <exception cref="DefinitionException">The file is not a data file.</exception>
    public static string ToJson(string file, string text)
    {
        ScriptBlockAst script = Parser.ParseInput(text, file, out _, out ParseError[] errors);
        if (errors is [ParseError error, ..])
        {
            throw new DefinitionException(error.Message, file, error.Extent.StartLineNumber);
        }

        DataFileArguments arguments = new(file);
        ExpressionAst? table = script is { ParamBlock: null, BeginBlock: null, ProcessBlock: null, EndBlock.Statements: [PipelineAst pipeline] } ? pipeline.GetPureExpression() : null;
        arguments.Write(table as HashtableAst ?? throw arguments.Refuse("a data file is one hashtable.", script), 0);
        return arguments._json.ToString();
    }

    private DefinitionException Refuse(string message, Ast ast) => new(message, _file, ast.Extent.StartLineNumber);

    private void Write(Ast ast, int depth)
    {
        if (depth > MostDepth)
        {
            throw Refuse("the data file is too deep.", ast);
        }

        MoveTo(ast.Extent.StartLineNumber);
        switch (ast)
        {
            case HashtableAst table:
                WriteTable(table, depth);
                break;
            case ArrayLiteralAst list:
                WriteItems(list.Elements, depth);
                break;
            case ArrayExpressionAst list:
                WriteItems([.. list.SubExpression.Statements.Select(Expression).SelectMany(static e => e is ArrayLiteralAst inner ? inner.Elements : (IReadOnlyList<ExpressionAst>)[e])], depth);
                break;
            default:
                _json.Append(Constant(ast));
                break;
        }
    }

    private void WriteTable(HashtableAst table, int depth)
    {
        _json.Append('{');
        for (int i = 0; i < table.KeyValuePairs.Count; i++)
        {
            (ExpressionAst key, StatementAst value) = table.KeyValuePairs[i];
            _json.Append(i > 0 ? "," : "");
            MoveTo(key.Extent.StartLineNumber);
            string name = key is StringConstantExpressionAst word ? word.Value : Constant(key).Trim('"');
            // PowerShell ignores the case of keys: keywords are in lower case, names are unchanged.
            _json.Append(JsonSerializer.Serialize(depth is 0 or 2 ? name.ToLowerInvariant() : name)).Append(':');
            Write(Expression(value), depth + 1);
        }

        _json.Append('}');
    }

    private void WriteItems(IReadOnlyList<ExpressionAst> items, int depth)
    {
        _json.Append('[');
        for (int i = 0; i < items.Count; i++)
        {
            _json.Append(i > 0 ? "," : "");
            Write(items[i], depth + 1);
        }

        _json.Append(']');
    }

    private ExpressionAst Expression(StatementAst statement) =>
        (statement as PipelineAst)?.GetPureExpression() ?? throw Refuse("a data file has constants only.", statement);

    private string Constant(Ast ast)
    {
        object? value;
        try
        {
            value = ast.SafeGetValue();
        }
        catch (Exception exception) when (exception is InvalidOperationException or NotSupportedException)
        {
            throw new DefinitionException("a data file has constants only.", _file, ast.Extent.StartLineNumber, exception);
        }

        return value switch
        {
            null => "null",
            bool truth => truth ? "true" : "false",
            string text => JsonSerializer.Serialize(text),
            sbyte or byte or short or ushort or int or uint or long or ulong or float or double or decimal => Convert.ToString(value, CultureInfo.InvariantCulture)!,
            _ => throw Refuse($"a value of the type {value.GetType().Name} has no meaning in a build definition.", ast),
        };
    }

    private void MoveTo(int line)
    {
        for (; _line < line; _line++)
        {
            _json.Append('\n');
        }
    }
}
