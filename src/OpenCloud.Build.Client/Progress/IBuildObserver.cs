namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Is told what happens in a build while it runs. Calls come one after another, from no particular thread; the model may be read during
/// the call only, and a call that takes long holds up the status stream.
/// </summary>
public interface IBuildObserver
{
    /// <summary>Something happened, or a second has passed in which nothing did.</summary>
    /// <param name="model">The build as it stands now.</param>
    /// <param name="events">What changed, in order; empty when only time has passed.</param>
    public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events);

    /// <summary>This side of the build has something to warn of; the result has it in its warnings as well.</summary>
    /// <param name="warning">The warning.</param>
    public void OnWarning(BuildWarning warning)
    {
    }
}
