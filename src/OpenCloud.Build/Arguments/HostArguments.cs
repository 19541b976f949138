using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Lets the parameter for hosts accept strings, <c>name=address</c> or <c>name:address</c>, beside a dictionary; a name may occur several
/// times.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class HostTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? input = HostArguments.Unwrap(inputData);
        if (input is not (string or (IEnumerable and not IDictionary)))
        {
            return inputData;
        }

        Hashtable hosts = [];
        // A table cell may contain several; neither separator can occur in a name or an address.
        hosts[""] = HostArguments.TextsOf(input).SelectMany(static t => t.Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToArray();
        return hosts;
    }
}

internal static class HostArguments
{
    /// <summary>The hosts as <c>name=address</c>, or as given in one text; a name with several addresses occurs once for each.</summary>
    public static IEnumerable<string> Read(IDictionary? hosts)
    {
        foreach (DictionaryEntry entry in hosts ?? new Hashtable())
        {
            string name = Convert.ToString(entry.Key, CultureInfo.InvariantCulture) ?? "";
            foreach (string text in TextsOf(Unwrap(entry.Value)))
            {
                yield return name.Length == 0 ? text : text.Length == 0 ? name : $"{name}={text}";
            }
        }
    }

    internal static object? Unwrap(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    internal static IEnumerable<string> TextsOf(object? value) => value switch
    {
        null => [""],
        string text => [text],
        IEnumerable list => list.Cast<object?>().Select(static item => Convert.ToString(Unwrap(item), CultureInfo.InvariantCulture) ?? "").Where(static text => text.Length > 0),
        _ => [Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""],
    };
}
