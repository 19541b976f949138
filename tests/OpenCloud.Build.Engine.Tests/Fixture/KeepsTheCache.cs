namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Tests that expect the engine's cache between two builds, or empty it: they run one after the other.</summary>
[CollectionDefinition(nameof(KeepsTheCache))]
public sealed class KeepsTheCache;
