using System.Management.Automation;

namespace OpenCloud.Build.Builds;

/// <summary>Tells definitions, which are built as one set, from other input.</summary>
internal static class BuildSets
{
    // As text: the assembly of definitions is not loaded for other input.
    private const string TypeName = "OpenCloud.Build.Definitions.Model.BuildDefinition";
    private const string NameProperty = "Name";

    /// <summary>The name of a definition, or of a copy that Select-Object or a remote session made; null for other input.</summary>
    public static string? NameOf(PSObject? record) => record?.TypeNames.Any(static t => t.EndsWith(TypeName, StringComparison.Ordinal)) == true
        ? record.Properties[NameProperty]?.Value?.ToString()
        : null;
}
