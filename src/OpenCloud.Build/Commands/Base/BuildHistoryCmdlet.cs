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
}
