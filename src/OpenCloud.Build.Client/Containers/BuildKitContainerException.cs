namespace OpenCloud.Build.Client.Containers;

/// <summary>A container with an engine was not made, changed or removed.</summary>
public sealed class BuildKitContainerException : Exception
{
    internal BuildKitContainerException(BuildKitContainerProblem problem, string message, Exception? inner = null)
        : base(message, inner) => Problem = problem;

    /// <summary>The kind of the failure.</summary>
    public BuildKitContainerProblem Problem { get; }
}
