namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>The standard functions of bake documents.</summary>
/// <remarks>
/// Names and behavior are those of docker/buildx (bake/hclparser/stdlib.go, docs/bake-stdlib.md), which takes most from zclconf/go-cty.
/// </remarks>
internal static class HclLibrary
{
    private static readonly Lazy<Dictionary<string, HclFunction>> All = new(static () =>
    {
        Dictionary<string, HclFunction> all = new(StringComparer.Ordinal);
        LogicFunctions.Add(all);
        NumberFunctions.Add(all);
        TextFunctions.Add(all);
        PatternFunctions.Add(all);
        CollectionFunctions.Add(all);
        SequenceFunctions.Add(all);
        SetFunctions.Add(all);
        EncodingFunctions.Add(all);
        HashFunctions.Add(all);
        TimeFunctions.Add(all);
        NetworkFunctions.Add(all);
        all["format"] = static c => c.Made(FormatFunction.Format(c.Takes(1, int.MaxValue), c.Text(0), [.. c.Values.Skip(1)]));
        all["formatlist"] = FormatFunction.FormatList;
        all["semvercmp"] = static c => HclValue.From(VersionFunction.Satisfies(c.Takes(2), c.Text(0), c.Text(1)));
        return all;
    });

    public static IReadOnlyDictionary<string, HclFunction> Functions => All.Value;
}
