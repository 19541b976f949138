using System.Collections;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Completion;

/// <summary>Queries a store for completion, within a short time limit.</summary>
internal static class StoreCompletion
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Queries the store that the current command line names; empty when it does not answer.</summary>
    public static IReadOnlyList<T> Ask<T>(IDictionary bound, Func<IImageStore, CancellationToken, Task<IReadOnlyList<T>>> question)
    {
        try
        {
            using CancellationTokenSource limit = new(Patience);
            EngineAddress? address = bound["Address"] is { } text ? EngineAddress.Parse(text.ToString()!) : null;
            return Task.Run(async () =>
            {
                IImageStore store = ImageStores.Open(address, new EngineConnectOptions { ConnectTimeout = Patience });
                await using (store.ConfigureAwait(false))
                {
                    return await question(store, limit.Token).ConfigureAwait(false);
                }
            }).GetAwaiter().GetResult();
        }
        catch (Exception)
        {
            // Completion cannot show errors.
            return [];
        }
    }
}
