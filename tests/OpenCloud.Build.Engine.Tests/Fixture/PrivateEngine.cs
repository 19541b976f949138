namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>An engine that only one test uses.</summary>
public sealed class PrivateEngine : IAsyncDisposable
{
    private bool _ended;

    internal PrivateEngine(RunningEngine engine)
    {
        Engine = engine;
    }

    /// <summary>The engine.</summary>
    public RunningEngine Engine { get; }

    /// <summary>Kills it as a crash would: at once, with everything it runs, its sockets gone.</summary>
    public async Task KillAsync()
    {
        if (!_ended)
        {
            _ended = true;
            await EngineScript.DownAsync(Engine);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
    }
}
