using System.Reflection;
using OpenCloud.Build.Engine.Tests.Fixture;
using Xunit.Sdk;
using Xunit.v3;

namespace OpenCloud.Build.Engine.Tests.Field;

/// <summary>Runs a theory for each report with a build on each engine that builds.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FieldDataAttribute : DataAttribute
{
    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. from engine in EngineNames.Builders
                from report in FieldReport.All()
                where report.Build is not null
                select new TheoryDataRow<string, string>(engine, report.Name) { Traits = { [EngineDataAttribute.Trait] = [engine] } }]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;
}
