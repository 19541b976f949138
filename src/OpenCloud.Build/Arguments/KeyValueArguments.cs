using System.Collections;
using System.Collections.Specialized;
using System.Management.Automation;
using System.Security;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Lets a dictionary parameter also accept strings: <c>NAME=value</c>, and a bare <c>NAME</c> for the value of that environment variable.
/// Invalid input is passed on to <see cref="KeyValueArguments"/>, which rejects it with an error of the catalog.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KeyValueTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? input = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        IEnumerable<object?>? items = input switch
        {
            null => null,
            IDictionary => null,
            string text => [text],
            IEnumerable list => list.Cast<object?>(),
            _ => null,
        };
        if (items is null)
        {
            return inputData;
        }

        OrderedDictionary values = new(StringComparer.Ordinal);
        foreach (object? item in items)
        {
            string text = (item is PSObject inner ? inner.BaseObject : item)?.ToString() ?? "";
            if (text.Length == 0)
            {
                // An empty cell of a CSV file.
                continue;
            }

            int equals = text.IndexOf('=', StringComparison.Ordinal);
            values[equals < 0 ? text : text[..equals]] = equals < 0 ? null : text[(equals + 1)..];
        }

        return values;
    }
}

internal static class KeyValueArguments
{
    /// <summary>Reads <paramref name="values"/>; null values come from the environment, and are left out when it has none.</summary>
    /// <exception cref="BuildErrorException">A name is empty or contains '=', or a value cannot be converted to a string.</exception>
    public static IReadOnlyDictionary<string, string> Read(string parameter, IDictionary? values, Func<string, string?> environment)
    {
        Dictionary<string, string> read = new(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in values ?? new Hashtable())
        {
            string name = entry.Key.ToString() ?? "";
            if (name.Length == 0)
            {
                throw Refuse(parameter, "a name is empty.");
            }

            if (name.Contains('=', StringComparison.Ordinal))
            {
                throw Refuse(parameter, $"the name '{name}' contains '='.");
            }

            object? value = entry.Value is PSObject wrapped ? wrapped.BaseObject : entry.Value;
            string? text = value switch
            {
                null => environment(name),
                string plain => plain,
                // Both would be readable in the image's history.
                SecureString or PSCredential => throw Refuse(parameter, $"the value of '{name}' is a secret, and would be readable in the image."),
                IDictionary or ICollection => throw Refuse(parameter, $"the value of '{name}' is a collection, not a single value."),
                _ => LanguagePrimitives.ConvertTo<string>(value),
            };
            if (text is not null)
            {
                read[name] = text;
            }
        }

        return read;
    }

    private static BuildErrorException Refuse(string parameter, string reason) =>
        ErrorCatalog.InvalidKeyValue.ToException(null, null, parameter, reason);
}
