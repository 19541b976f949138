using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;

namespace OpenCloud.Build.Completion;

/// <summary>Queries engines and stores within a time budget. A late answer serves the next completion; answers are cached for some seconds.</summary>
internal static class CompletionQuery
{
    private const int MostAnswers = 64;

    // The whole completion has 200 ms.
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(130);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);
    private static readonly ConcurrentDictionary<string, Answer> Answers = new(StringComparer.Ordinal);

    /// <summary>Asks the image store that the current command line names; empty after the budget.</summary>
    public static IReadOnlyList<T> AskStore<T>(string question, IDictionary bound, Func<IImageStore, CancellationToken, Task<IReadOnlyList<T>>> ask)
    {
        string address = bound["Address"]?.ToString() ?? string.Empty;
        return Ask($"{question} {address}", async cancellationToken =>
        {
            EngineAddress? named = EngineArguments.ParseAddress(address);
            IImageStore store = ImageStores.Open(named, new EngineConnectOptions { ConnectTimeout = Patience });
            await using (store.ConfigureAwait(false))
            {
                return await ask(store, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    public static IReadOnlyList<T> AskEngine<T>(string question, IDictionary bound, Func<BuildKitClient, CancellationToken, Task<IReadOnlyList<T>>> ask)
    {
        string address = bound["Address"]?.ToString() ?? string.Empty;
        return Ask($"{question} {address}", async cancellationToken =>
        {
            EngineAddress? named = EngineArguments.ParseAddress(address);
            BuildKitClient engine = await BuildKitClient.ConnectAsync(named, new EngineConnectOptions { ConnectTimeout = Patience }, cancellationToken).ConfigureAwait(false);
            await using (engine.ConfigureAwait(false))
            {
                return await ask(engine, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    /// <summary>Asks for the engines that run as containers.</summary>
    public static IReadOnlyList<T> AskContainers<T>(IDictionary bound, Func<BuildKitContainers, CancellationToken, Task<IReadOnlyList<T>>> ask)
    {
        string address = bound["Address"]?.ToString() ?? string.Empty;
        return Ask($"containers {address}", async cancellationToken =>
        {
            EngineAddress? named = EngineArguments.ParseAddress(address.Length == 0 ? null : address);
            BuildKitContainers containers = BuildKitContainers.Open(named, new EngineConnectOptions { ConnectTimeout = Patience });
            await using (containers.ConfigureAwait(false))
            {
                return await ask(containers, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    /// <summary>Computes slow candidates, such as a file's definitions; empty after the budget. <c>compute</c> must not use the session's runspace.</summary>
    public static IReadOnlyList<T> Compute<T>(string key, Func<IReadOnlyList<T>> compute) => Ask(key, _ => Task.FromResult(compute()));

    /// <summary>Asks for candidates; empty after the budget. <c>ask</c> must not use the session's runspace, and ends when it is cancelled.</summary>
    public static IReadOnlyList<T> Ask<T>(string key, Func<CancellationToken, Task<IReadOnlyList<T>>> ask)
    {
        if (Answers.Count > MostAnswers)
        {
            Answers.Clear();
        }

        Answer answer = Answers.AddOrUpdate(key, _ => new Answer(() => RunAsync(ask), null), (_, known) => known.IsFresh ? known : new Answer(() => RunAsync(ask), known.Items));
        answer.Items.Wait(Budget);
        return (answer.Items.IsCompletedSuccessfully ? answer.Items.Result : answer.Previous is { IsCompletedSuccessfully: true } older ? older.Result : null) as IReadOnlyList<T> ?? [];
    }

    private static async Task<object> RunAsync<T>(Func<CancellationToken, Task<IReadOnlyList<T>>> ask)
    {
        try
        {
            using CancellationTokenSource limit = new(Patience);
            return await ask(limit.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Completion cannot show errors.
            return Array.Empty<T>();
        }
    }

    private sealed class Answer(Func<Task<object>> ask, Task<object>? previous)
    {
        private readonly long _asked = Stopwatch.GetTimestamp();
        private readonly Lazy<Task<object>> _items = new(() => Task.Run(ask));

        public Task<object> Items => _items.Value;

        public Task<object>? Previous => previous;

        public bool IsFresh => !Items.IsCompleted || Stopwatch.GetElapsedTime(_asked) < Fresh;
    }
}
