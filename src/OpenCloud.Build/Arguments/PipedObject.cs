using System.Collections;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Classifies a piped object. For a parameter that takes text from the pipeline, PowerShell converts any object to text, also one that has
/// nothing to do with it.
/// </summary>
internal static class PipedObject
{
    private static readonly string[] PathProperties = ["LiteralPath", "LP", "PSPath", "FullName"];
    private static readonly string[] NameProperties = ["References", "Reference", "Name"];

    /// <summary>Whether an object names a file or a directory.</summary>
    public static bool NamesPath(PSObject? record) => record?.BaseObject is null or string or FileSystemInfo
        || (record.BaseObject is not (IDictionary or ValueType) && (record.Properties["Path"] is not null || NamesLiteralPath(record)));

    /// <summary>Whether an object has a path without wildcards.</summary>
    public static bool NamesLiteralPath(PSObject record) => PathProperties.Any(p => record.Properties[p] is not null);

    /// <summary>The names of images that an object has; null when it has no property for them.</summary>
    public static IReadOnlyList<string>? ImageNames(PSObject record)
    {
        if (record.BaseObject is string name)
        {
            return [name];
        }

        PSPropertyInfo? property = record.BaseObject is IDictionary or ValueType or FileSystemInfo ? null
            : NameProperties.Select(p => record.Properties[p]).FirstOrDefault(static p => p is not null);
        return property is null ? null
            : property.Value is null ? []
            : [.. LanguagePrimitives.ConvertTo<string[]>(property.Value).Where(static n => !string.IsNullOrEmpty(n))];
    }
}
