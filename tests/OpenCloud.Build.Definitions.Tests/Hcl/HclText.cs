using OpenCloud.Build.Definitions.Hcl;
using OpenCloud.Build.Definitions.Hcl.Functions;

namespace OpenCloud.Build.Definitions.Tests.Hcl;

internal static class HclText
{
    public static HclValue Evaluate(string expression, params (string Name, HclValue Value)[] variables) =>
        HclParser.ParseExpression(new HclSource("test.hcl", expression)).Evaluate(new Scope(variables));

    public static string Json(string expression, params (string Name, HclValue Value)[] variables) => Evaluate($"jsonencode({expression})", variables).Text;

    public static HclException Refused(string expression) => Xunit.Assert.Throws<HclException>(() => Evaluate(expression));

    private sealed class Scope((string Name, HclValue Value)[] variables) : HclScope
    {
        public override HclBudget Budget { get; } = new();

        public override HclFunction? Function(string name) => HclLibrary.Functions.GetValueOrDefault(name);

        public override HclValue? Variable(string name, HclPosition position) => variables.FirstOrDefault(v => v.Name == name).Value;
    }
}
