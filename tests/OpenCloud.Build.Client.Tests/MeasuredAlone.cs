using Xunit;

namespace OpenCloud.Build.Client.Tests;

/// <summary>Tests that measure the whole process: its allocations, its resident memory, its descriptors. They run while no other test does.</summary>
[CollectionDefinition(nameof(MeasuredAlone), DisableParallelization = true)]
public sealed class MeasuredAlone;
