using System.Collections;
using System.Collections.Specialized;
using System.Management.Automation;
using System.Security;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Lets a dictionary parameter also take strings: <c>NAME=value</c>, and <c>NAME</c> alone for the value of that environment
/// variable. What does not fit is passed on for <see cref="KeyValueArguments"/> to refuse with an error of the catalogue.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KeyValueTransformAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
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

/// <summary>Turns what a user gives for names and values into strings.</summary>
internal static class KeyValueArguments
{
    /// <summary>Reads <paramref name="values"/>; null values are taken from the environment, and left out when it has none.</summary>
    /// <exception cref="BuildErrorException">A name is empty or has a '=', or a value cannot be written as a string.</exception>
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
                throw Refuse(parameter, $"the name '{name}' has a '='.");
            }

            object? value = entry.Value is PSObject wrapped ? wrapped.BaseObject : entry.Value;
            string? text = value switch
            {
                null => environment(name),
                string plain => plain,
                // Both would end up readable in the image's history.
                SecureString or PSCredential => throw Refuse(parameter, $"'{name}' is a secret, and would be readable in the image."),
                IDictionary or ICollection => throw Refuse(parameter, $"'{name}' is a collection, not one value."),
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
