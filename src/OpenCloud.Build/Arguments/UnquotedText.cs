using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Puts together what PowerShell took apart: <c>-Output type=oci,dest=app.tar</c>, typed as docker's users type it and without quotes, arrives
/// as two strings.
/// </summary>
internal static class UnquotedText
{
    private const string TypeKey = "type=";

    /// <summary>Joins strings that are parts of one; everything else passes as it is.</summary>
    /// <param name="values">What the parameter was given.</param>
    /// <returns>The values; a string that is <c>key=value</c> and no type of its own belongs to the string of that form before it, and one with a
    /// type does where there is none yet.</returns>
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

    // 'name=a,b' had quotes around it when it was typed, which is the only way a comma gets here without a pair after it.
    private static string Field(string part) =>
        part.Split(',').All(IsPair) || part.Contains('"', StringComparison.Ordinal) ? part : $"\"{part}\"";
}
