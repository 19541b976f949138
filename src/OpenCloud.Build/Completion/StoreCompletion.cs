using System.Collections;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Completion;

/// <summary>What completers ask of a store, within a time that nobody waits for in vain.</summary>
internal static class StoreCompletion
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Asks the store that the command line being typed names; answers nothing when it cannot be asked.</summary>
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
            // Completion has no place for errors, whatever they are.
            return [];
        }
    }
}
