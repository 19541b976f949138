using System.Management.Automation;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets for an engine's history.</summary>
public abstract class BuildHistoryCmdlet : EngineCmdlet
{
    private protected BuildHistoryCmdlet()
    {
    }

    /// <exception cref="BuildErrorException">No build matches, or more than one.</exception>
    private protected static async Task<BuildRecord> FindAsync(BuildHistory history, string reference, CancellationToken cancellationToken) =>
        await history.FindAsync(reference, cancellationToken).ConfigureAwait(false)
            ?? throw ErrorCatalog.BuildNotFound.ToException(reference, null, reference, history.Engine);

    /// <summary>The builds that a reference means: one, or with wildcards those whose id or one of whose names matches.</summary>
    /// <exception cref="BuildErrorException">There are no wildcards, and no build matches, or more than one.</exception>
    private protected static async Task<IReadOnlyList<BuildRecord>> FindAllAsync(BuildHistory history, string reference, CancellationToken cancellationToken)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(reference))
        {
            return [await FindAsync(history, reference, cancellationToken).ConfigureAwait(false)];
        }

        WildcardPattern pattern = WildcardPattern.Get(reference, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
        return [.. (await history.ListAsync(null, false, cancellationToken).ConfigureAwait(false)).Where(r => pattern.IsMatch(r.Ref) || r.Names.Any(pattern.IsMatch))];
    }
}
