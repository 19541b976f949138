namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Receives the events of a running build. Calls are sequential, on no particular thread. The model may be read only during a call, and a slow
/// call delays the status stream.
/// </summary>
public interface IBuildObserver
{
    /// <summary>Called after events, or when a second has passed without one.</summary>
    /// <param name="model">The current state of the build.</param>
    /// <param name="events">The events, in order; empty when only time has passed.</param>
    public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events);

    /// <summary>Called for a warning of this client; the result also contains it.</summary>
    /// <param name="warning">The warning.</param>
    public void OnWarning(BuildWarning warning)
    {
    }

    /// <summary>
    /// Called when others of the same set can start that use the result of this build. Its steps may still run then, and at any time beside the other calls.
    /// </summary>
    public void OnResultKnown()
    {
    }
}
