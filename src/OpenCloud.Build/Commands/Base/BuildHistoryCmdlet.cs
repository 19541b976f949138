using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands.Base;

/// <summary>What the cmdlets about an engine's history have in common.</summary>
public abstract class BuildHistoryCmdlet : EngineCmdlet
{
    private protected BuildHistoryCmdlet()
    {
    }

    /// <summary>Finds a build.</summary>
    /// <exception cref="BuildErrorException">There is none, or more than one.</exception>
    private protected static async Task<BuildRecord> FindAsync(BuildHistory history, string reference, CancellationToken cancellationToken) =>
        await history.FindAsync(reference, cancellationToken).ConfigureAwait(false)
            ?? throw ErrorCatalog.BuildNotFound.ToException(reference, null, reference, history.Engine);
}
