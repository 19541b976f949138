using System.Management.Automation;
using System.Reflection;

namespace OpenCloud.Build.Errors;

/// <summary>
/// Every error of the module. Each part of the module has a file of its own (<c>ErrorCatalog.Input.cs</c>, …); docs/errors.md
/// lists them all, and a test holds the two together.
/// </summary>
internal static partial class ErrorCatalog
{
    /// <summary>A bug: something that no entry foresees.</summary>
    public static readonly ErrorEntry Unexpected = new(
        "UnexpectedFailure",
        ErrorCategory.NotSpecified,
        "{0}",
        "Please report this, with what Get-Error shows.");

    /// <summary>All entries, read anew: an initializer could run before those of the other files.</summary>
    public static IReadOnlyList<ErrorEntry> All =>
    [
        .. typeof(ErrorCatalog).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(static f => f.FieldType == typeof(ErrorEntry))
            .Select(static f => (ErrorEntry)f.GetValue(null)!)
            .OrderBy(static e => e.Id, StringComparer.Ordinal),
    ];
}
