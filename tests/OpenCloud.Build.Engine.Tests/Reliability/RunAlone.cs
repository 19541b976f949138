namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>Tests that count what the whole process holds: they run while no other test does.</summary>
[CollectionDefinition(nameof(RunAlone), DisableParallelization = true)]
public sealed class RunAlone;
