using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>Tests that measure the allocations of the whole process: they run while no other test does.</summary>
[CollectionDefinition(nameof(MeasuredAlone), DisableParallelization = true)]
public sealed class MeasuredAlone;
