using System.Management.Automation;
using System.Reflection;

namespace OpenCloud.Build.Errors;

/// <summary>
/// All errors of the module. Each part of the module has its own file (<c>ErrorCatalog.Input.cs</c>, …). docs/errors.md lists them all, and a
/// test compares the two.
/// </summary>
internal static partial class ErrorCatalog
{
    /// <summary>A bug: an exception without an entry.</summary>
    public static readonly ErrorEntry Unexpected = new(
        "UnexpectedFailure",
        ErrorCategory.NotSpecified,
        "{0}",
        "This is a bug in the module. Report it with the output of Get-Error.");

    /// <summary>All entries, read each time: an initializer could run before those of the other files.</summary>
    public static IReadOnlyList<ErrorEntry> All =>
    [
        .. typeof(ErrorCatalog).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(static f => f.FieldType == typeof(ErrorEntry))
            .Select(static f => (ErrorEntry)f.GetValue(null)!)
            .OrderBy(static e => e.Id, StringComparer.Ordinal),
    ];
}
