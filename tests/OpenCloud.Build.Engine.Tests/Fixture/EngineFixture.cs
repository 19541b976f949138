using System.Collections.Concurrent;
using OpenCloud.Build.Engine.Tests.Fixture;

[assembly: AssemblyFixture(typeof(EngineFixture))]

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>
/// The engines of a test run: each is started when the first test asks for it, shared by all, and ended with the run.
/// </summary>
public sealed class EngineFixture : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Task<RunningEngine>>> _engines = new(StringComparer.Ordinal);

    /// <summary>An engine that answers. Skips the test, with the reason, where this machine cannot run it.</summary>
    /// <param name="name">One of <see cref="EngineNames"/>.</param>
    public async Task<RunningEngine> GetAsync(string name)
    {
        try
        {
            return await _engines.GetOrAdd(name, key => new Lazy<Task<RunningEngine>>(() => StartAsync(key))).Value;
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }
    }

    /// <summary>
    /// An engine of a test's own, to be killed or filled at will. The caller disposes it. Skips like
    /// <see cref="GetAsync(string)"/>.
    /// </summary>
    /// <param name="name">One of <see cref="EngineNames"/>, but not <see cref="EngineNames.Given"/>.</param>
    /// <param name="insecure">Whether builds on it may have the entitlement security.insecure.</param>
    /// <param name="environment">Variables for its daemons.</param>
    public static async Task<PrivateEngine> StartPrivateAsync(string name, bool insecure = false, IReadOnlyDictionary<string, string?>? environment = null)
    {
        try
        {
            return new PrivateEngine(await EngineScript.UpAsync(name, insecure, environment));
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }
    }

    /// <summary>The path of a static busybox, the base of test images. Skips where it cannot be had.</summary>
    public static async Task<string> GetBusyboxAsync()
    {
        try
        {
            return Path.Combine((await EngineScript.GetAsync("busybox"))["busybox-static"], "usr", "bin", "busybox");
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }
    }

    /// <summary>Ends the engines that were started.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (Lazy<Task<RunningEngine>> engine in _engines.Values)
        {
            if (engine.IsValueCreated && engine.Value.IsCompletedSuccessfully && (await engine.Value).Folder is not null)
            {
                await EngineScript.DownAsync(await engine.Value);
            }
        }
    }

    private static async Task<RunningEngine> StartAsync(string name)
    {
        if (name != EngineNames.Given)
        {
            return await EngineScript.UpAsync(name);
        }

        string address = EngineNames.GivenAddress
            ?? throw new EngineUnavailableException($"{EngineNames.GivenVariable} names no engine");
        const string Docker = "docker://";
        return new RunningEngine
        {
            Name = name,
            Address = address,
            DockerSocket = address.StartsWith(Docker + "/", StringComparison.Ordinal) ? address[Docker.Length..] : null,
        };
    }
}
