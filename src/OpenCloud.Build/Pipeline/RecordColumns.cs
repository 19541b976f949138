using System.Management.Automation;
using System.Reflection;

namespace OpenCloud.Build.Pipeline;

/// <summary>
/// Finds the properties of a piped record that look like a parameter and are not taken: a name in another spelling (<c>tags</c>,
/// <c>build-arg</c>), or a parameter that only the command line has.
/// </summary>
internal sealed class RecordColumns
{
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _taken = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _told = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Learns the parameters of a cmdlet.</summary>
    public RecordColumns(Type cmdlet)
    {
        foreach (PropertyInfo property in cmdlet.GetProperties())
        {
            ParameterAttribute[] uses = [.. property.GetCustomAttributes<ParameterAttribute>()];
            // Which of the sets for a path counts is PowerShell's choice.
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

    /// <summary>What is to be said of a record's columns, each once.</summary>
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
                    ? $"The property '{column.Name}' of the input is ignored: give -{parameter} on the command line."
                    : $"The property '{column.Name}' of the input is ignored: the parameter's name is '{parameter}'.";
            }
        }
    }

    /// <summary>
    /// A column whose cell is no value of its parameter, or null. PowerShell passes over one that it cannot convert without a word.
    /// </summary>
    /// <param name="record">The record.</param>
    /// <param name="bound">The parameters that have a value, from the command line or from this record.</param>
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
