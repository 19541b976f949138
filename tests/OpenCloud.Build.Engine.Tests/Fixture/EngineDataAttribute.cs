using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>
/// Runs a theory once on each engine. Its first parameter is the engine's name, for
/// <see cref="EngineFixture.GetAsync(string)"/>, which skips the test where the engine cannot be had.
/// </summary>
/// <param name="names">The engines; by default <see cref="EngineNames.Builders"/>.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EngineDataAttribute(params string[] names) : DataAttribute
{
    /// <summary>The trait that has the engine's name, to choose tests by: <c>-preEnumerateTheories -trait engine=given</c>.</summary>
    public const string Trait = "engine";

    /// <summary>The engines named; empty for <see cref="EngineNames.Builders"/>.</summary>
    public IReadOnlyList<string> Names { get; } = names;

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        IEnumerable<string> engines = Names.Count > 0 ? Names : EngineNames.Builders;
        return new([.. engines.Select(name => new TheoryDataRow<string>(name) { Traits = { [Trait] = [name] } })]);
    }

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration()
    {
        return true;
    }
}
