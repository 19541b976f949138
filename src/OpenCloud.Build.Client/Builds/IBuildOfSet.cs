using OpenCloud.Build.Client.Failures;

namespace OpenCloud.Build.Client.Builds;

/// <summary>What a build asks the set that it belongs to.</summary>
internal interface IBuildOfSet
{
    /// <summary>Whether other builds use its result.</summary>
    public bool IsUsed { get; }

    /// <summary>Whether builds that are still to come use its result, or the same part of the directory.</summary>
    public bool IsOfUse { get; }

    /// <summary>Takes the result, whose steps have not run yet.</summary>
    public void Know(SolvedBuild solved);

    /// <summary>Completes when the steps of all builds have run whose results this one uses.</summary>
    /// <exception cref="ImageBuildException">One of them has failed.</exception>
    public Task WaitForOthersAsync(CancellationToken cancellationToken);
}
