using System.Reflection;

namespace OpenCloud.Build.Help;

/// <summary>What a cmdlet's attributes say about it.</summary>
internal sealed record CmdletModel(string Verb, string Noun, string? DefaultSet, bool ShouldProcess, IReadOnlyList<ParameterModel> Parameters)
{
    public const string AllSets = "__AllParameterSets";

    public string Name => $"{Verb}-{Noun}";

    /// <summary>The parameter sets, the default one first.</summary>
    public IReadOnlyList<string> Sets
    {
        get
        {
            List<string> sets = [.. Parameters.SelectMany(static p => p.Sets.Keys).Where(static s => s != AllSets).Distinct().OrderBy(s => s == DefaultSet ? 0 : 1)];
            return sets.Count == 0 ? [AllSets] : sets;
        }
    }

    public static IEnumerable<CmdletModel> ReadAll(Assembly assembly)
    {
        foreach (Type type in assembly.GetExportedTypes().Where(static t => !t.IsAbstract))
        {
            // Attribute data only: PowerShellStandard's attributes have no bodies that could be run.
            CustomAttributeData? cmdlet = Attributes(type, "CmdletAttribute").FirstOrDefault();
            if (cmdlet is null)
            {
                continue;
            }

            yield return new CmdletModel(
                (string)cmdlet.ConstructorArguments[0].Value!,
                (string)cmdlet.ConstructorArguments[1].Value!,
                Named<string>(cmdlet, "DefaultParameterSetName"),
                Named<bool>(cmdlet, "SupportsShouldProcess"),
                [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(static p => Attributes(p, "ParameterAttribute").Any(static a => !Named<bool>(a, "DontShow"))).Select(ParameterModel.Read)]);
        }
    }

    internal static IEnumerable<CustomAttributeData> Attributes(MemberInfo member, string name) =>
        member.GetCustomAttributesData().Where(a => a.AttributeType.Name == name);

    internal static T? Named<T>(CustomAttributeData attribute, string name) =>
        attribute.NamedArguments.Where(a => a.MemberName == name).Select(static a => (T?)a.TypedValue.Value).FirstOrDefault();
}

/// <summary>What a parameter's attributes say about it.</summary>
internal sealed record ParameterModel(
    string Name, Type Type, IReadOnlyList<string> Aliases, IReadOnlyList<string> Values, bool Wildcards, IReadOnlyDictionary<string, ParameterInSet> Sets)
{
    public bool IsSwitch => Type.Name == "SwitchParameter";

    public static ParameterModel Read(PropertyInfo property)
    {
        Dictionary<string, ParameterInSet> sets = [];
        foreach (CustomAttributeData attribute in CmdletModel.Attributes(property, "ParameterAttribute"))
        {
            int? position = attribute.NamedArguments.Where(static a => a.MemberName == "Position").Select(static a => (int?)a.TypedValue.Value).FirstOrDefault();
            sets[CmdletModel.Named<string>(attribute, "ParameterSetName") ?? CmdletModel.AllSets] = new ParameterInSet(
                CmdletModel.Named<bool>(attribute, "Mandatory"),
                position,
                CmdletModel.Named<bool>(attribute, "ValueFromPipeline"),
                CmdletModel.Named<bool>(attribute, "ValueFromPipelineByPropertyName"));
        }

        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Type element = type.IsArray ? type.GetElementType()! : type;
        IReadOnlyList<string> values = element.IsEnum
            ? Enum.GetNames(element)
            : [.. CmdletModel.Attributes(property, "ValidateSetAttribute").SelectMany(static a => Strings(a.ConstructorArguments))];
        return new ParameterModel(
            property.Name,
            type,
            [.. CmdletModel.Attributes(property, "AliasAttribute").SelectMany(static a => Strings(a.ConstructorArguments))],
            values,
            CmdletModel.Attributes(property, "SupportsWildcardsAttribute").Any(),
            sets);
    }

    /// <summary>What holds for the parameter in <paramref name="set"/>, or nothing when it is not in it.</summary>
    public ParameterInSet? In(string set) => Sets.GetValueOrDefault(set) ?? Sets.GetValueOrDefault(CmdletModel.AllSets);

    private static IEnumerable<string> Strings(IList<CustomAttributeTypedArgument> arguments) =>
        arguments.SelectMany(static a => a.Value is IReadOnlyCollection<CustomAttributeTypedArgument> list ? list.Select(static i => (string)i.Value!) : [(string)a.Value!]);
}

/// <summary>A parameter as one parameter set has it.</summary>
internal sealed record ParameterInSet(bool Mandatory, int? Position, bool ByValue, bool ByPropertyName)
{
    public string PipelineInput => (ByValue, ByPropertyName) switch
    {
        (true, true) => "True (ByPropertyName, ByValue)",
        (true, false) => "True (ByValue)",
        (false, true) => "True (ByPropertyName)",
        _ => "False",
    };

    public string PositionText => Position?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "named";
}
