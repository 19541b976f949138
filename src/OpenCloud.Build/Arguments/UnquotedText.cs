using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>Rejoins what PowerShell split: <c>-Output type=oci,dest=app.tar</c>, typed without quotes as for docker, arrives as two strings.</summary>
internal static class UnquotedText
{
    private const string TypeKey = "type=";

    /// <summary>Joins strings that belong together; passes everything else on unchanged.</summary>
    /// <remarks>
    /// A string <c>key=value</c> without a type joins the string of that form before it; one with a type joins it too, when that one has no type yet.
    /// </remarks>
    public static List<object?> Join(object[]? values)
    {
        List<object?> joined = [];
        foreach (object? value in values ?? [])
        {
            object? item = value is PSObject wrapped ? wrapped.BaseObject : value;
            if (item is string part && IsPair(part) && joined.Count > 0 && joined[^1] is string before && IsPair(before)
                && !(HasType(part) && HasType(before)))
            {
                joined[^1] = $"{before},{Field(part)}";
            }
            else
            {
                joined.Add(item);
            }
        }

        return joined;
    }

    private static bool IsPair(string text) => text.IndexOf('=', StringComparison.Ordinal) > 0;

    private static bool HasType(string text) =>
        text.StartsWith(TypeKey, StringComparison.OrdinalIgnoreCase) || text.Contains("," + TypeKey, StringComparison.OrdinalIgnoreCase);

    // 'name=a,b' was quoted when typed: only then can a comma occur here without a pair after it.
    private static string Field(string part) =>
        part.Split(',').All(IsPair) || part.Contains('"', StringComparison.Ordinal) ? part : $"\"{part}\"";
}
