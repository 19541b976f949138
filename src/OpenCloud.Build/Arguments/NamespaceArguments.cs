using System.Management.Automation;
using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Resolves the containerd namespaces that users give.</summary>
internal static partial class NamespaceArguments
{
    private const int MaxLength = 76;

    /// <summary>The namespaces, with wildcards expanded. Empty for a store without namespaces.</summary>
    /// <exception cref="BuildErrorException">A namespace is invalid.</exception>
    public static async Task<IReadOnlyList<string>> ExpandAsync(IImageStore store, IReadOnlyList<string> given, CancellationToken cancellationToken)
    {
        if (!store.HasNamespaces)
        {
            return [];
        }

        List<string> namespaces = [];
        IReadOnlyList<string>? all = null;
        foreach (string name in given)
        {
            if (!WildcardPattern.ContainsWildcardCharacters(name))
            {
                namespaces.Add(Check(name));
                continue;
            }

            all ??= await store.ListNamespacesAsync(cancellationToken).ConfigureAwait(false);
            WildcardPattern pattern = WildcardPattern.Get(name, WildcardOptions.CultureInvariant);
            namespaces.AddRange(all.Where(pattern.IsMatch));
        }

        return [.. namespaces.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Rejects a name that containerd would reject.</summary>
    public static string Check(string name) =>
        name.Length is > 0 and <= MaxLength && Grammar().IsMatch(name) ? name : throw ErrorCatalog.InvalidNamespace.ToException(name, null, name);

    // containerd, pkg/identifiers: the grammar of all its object names.
    [GeneratedRegex("^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$", RegexOptions.CultureInvariant)]
    private static partial Regex Grammar();
}
