using System.Management.Automation;
using System.Reflection;

namespace OpenCloud.Build.Pipeline;

/// <summary>
/// Finds the properties of a piped record that resemble a parameter but are not bound: a name in another spelling (<c>tags</c>,
/// <c>build-arg</c>), or a parameter that does not accept pipeline input.
/// </summary>
internal sealed class RecordColumns
{
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _taken = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _told = new(StringComparer.OrdinalIgnoreCase);

    public RecordColumns(Type cmdlet)
    {
        foreach (PropertyInfo property in cmdlet.GetProperties())
        {
            ParameterAttribute[] uses = [.. property.GetCustomAttributes<ParameterAttribute>()];
            // PowerShell decides which of the path parameter sets applies.
            if (!uses.Any(static u => u.ParameterSetName == ParameterAttribute.AllParameterSets && !u.DontShow))
            {
                continue;
            }

            IEnumerable<string> names = property.GetCustomAttributes<AliasAttribute>().SelectMany(static a => a.AliasNames).Where(static a => a.Length > 1).Prepend(property.Name);
            foreach (string name in names)
            {
                _names[Plain(name)] = property.Name;
                if (uses.Any(static u => u.ValueFromPipelineByPropertyName))
                {
                    _taken[name] = property.Name;
                }
            }
        }
    }

    /// <summary>The warnings about a record's columns, each once.</summary>
    public IEnumerable<string> Warnings(PSObject? record)
    {
        if (record?.BaseObject is not PSCustomObject)
        {
            yield break;
        }

        foreach (PSPropertyInfo column in record.Properties)
        {
            if (!_taken.ContainsKey(column.Name) && _names.TryGetValue(Plain(column.Name), out string? parameter) && _told.Add(column.Name))
            {
                yield return string.Equals(column.Name, parameter, StringComparison.OrdinalIgnoreCase)
                    ? $"The property '{column.Name}' of the input is ignored: use -{parameter} on the command line."
                    : $"The property '{column.Name}' of the input is ignored: the parameter is named '{parameter}'.";
            }
        }
    }

    /// <summary>
    /// The column whose cell cannot be converted to its parameter's type; null when there is none. PowerShell silently skips such a cell.
    /// </summary>
    /// <remarks><c>bound</c> has the parameters with a value, from the command line or from this record.</remarks>
    public PSPropertyInfo? Misfit(PSObject? record, IDictionary<string, object> bound) => record?.BaseObject is not PSCustomObject
        ? null
        : record.Properties.FirstOrDefault(column => _taken.TryGetValue(column.Name, out string? parameter)
            && !bound.ContainsKey(parameter)
            && !_taken.Any(other => other.Value == parameter && other.Key != column.Name && record.Properties[other.Key] is not null)
            && column.Value is not (null or ""));

    private static string Plain(string name)
    {
        string letters = string.Concat(name.Where(char.IsAsciiLetter)).ToLowerInvariant();
        return letters.EndsWith('s') ? letters[..^1] : letters;
    }
}
