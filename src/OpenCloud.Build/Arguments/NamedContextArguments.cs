using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Arguments;

internal static class NamedContextArguments
{
    private const string LayoutScheme = "oci-layout://";
    private const string TargetPrefix = "target:";

    /// <summary>Reads the contexts; relative directories start at the user's location.</summary>
    /// <exception cref="Errors.BuildErrorException">A name or a value is invalid.</exception>
    public static IReadOnlyDictionary<string, string> Read(PSCmdlet cmdlet, IDictionary? contexts)
    {
        Dictionary<string, string> read = new(StringComparer.Ordinal);
        foreach ((string name, string given) in KeyValueArguments.Read("BuildContext", contexts, static _ => ""))
        {
            string value = ContextLocation.WithScheme(given);
            read[name] = value.StartsWith(TargetPrefix, StringComparison.Ordinal) ? value
                : value.StartsWith(LayoutScheme, StringComparison.Ordinal)
                ? LayoutScheme + Rooted(cmdlet, value[LayoutScheme.Length..])
                : value.Contains("://", StringComparison.Ordinal) || ContextLocation.IsAddress(value) ? value : DirectoryArguments.ResolveLiteral(cmdlet, value);
        }

        return read;
    }

    // Not by the provider: it would take the tag's colon for a drive's.
    private static string Rooted(PSCmdlet cmdlet, string path) =>
        Path.IsPathRooted(path) ? path : Path.GetFullPath(Path.Join(cmdlet.SessionState.Path.CurrentFileSystemLocation.ProviderPath, path));
}
