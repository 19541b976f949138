using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Classifies a piped object. For a parameter that takes text from the pipeline, PowerShell converts any object to text, also one that has
/// nothing to do with it.
/// </summary>
internal static class PipedObject
{
    private static readonly string[] NameProperties = ["References", "Reference", "Name"];

    /// <summary>The path of the archive that an image was read from or written to, or of a row of a table; null when the object has none.</summary>
    public static string? ArchivePath(PSObject record) =>
        record.BaseObject is ContainerImageImport or ContainerImageTransfer or PSCustomObject && record.Properties["Path"]?.Value is string { Length: > 0 } path ? path : null;

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
