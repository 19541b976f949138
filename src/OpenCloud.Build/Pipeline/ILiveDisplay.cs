namespace OpenCloud.Build.Pipeline;

/// <summary>A display of progress below everything else that a command writes. All members are called on the pipeline's thread.</summary>
internal interface ILiveDisplay
{
    /// <summary>Shows a snapshot in place of the last one.</summary>
    public void Paint(ProgressSnapshot snapshot);

    /// <summary>Removes the display, before anything else is written and at the end.</summary>
    public void Clear();
}
