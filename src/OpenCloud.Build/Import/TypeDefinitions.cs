using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Reflection;

namespace OpenCloud.Build.Import;

/// <summary>Reads a types file, as far as the module's own goes.</summary>
internal static class TypeDefinitions
{
    // A block that PowerShell parses when it first runs it; the public Create parses it now, which takes 80 compiled methods.
    private static readonly Func<string, bool, ScriptBlock>? CreateUnparsed = FindUnparsed();

    public static List<TypeData> Read(string file)
    {
        List<TypeData> types = [];
        foreach (DefinitionElement type in DefinitionElement.Read(file).Children)
        {
            // A second copy of the module brings the same types.
            TypeData data = new(type.Get("Name").Text) { IsOverride = true };
            foreach (DefinitionElement member in type.Get("Members").Children)
            {
                Add(member, data);
            }

            types.Add(data);
        }

        return types;
    }

    private static Func<string, bool, ScriptBlock>? FindUnparsed()
    {
        MethodInfo? create = EngineTables.IsPublicOnly
            ? null
            : typeof(ScriptBlock).GetMethod("CreateDelayParsedScriptBlock", BindingFlags.Static | BindingFlags.NonPublic, [typeof(string), typeof(bool)]);
        return create?.ReturnType == typeof(ScriptBlock) ? create.CreateDelegate<Func<string, bool, ScriptBlock>>() : null;
    }

    private static void Add(DefinitionElement member, TypeData type)
    {
        string name = member.Get("Name").Text;
        switch (member.Name)
        {
            case "ScriptProperty":
                string script = member.Get("GetScriptBlock").Text;
                ScriptBlock block = CreateUnparsed?.Invoke(script, false) ?? ScriptBlock.Create(script);
                type.Members.Add(name, new ScriptPropertyData(name, block));
                break;
            case "AliasProperty":
                type.Members.Add(name, new AliasPropertyData(name, member.Get("ReferencedMemberName").Text));
                break;
            case "MemberSet" when name == "PSStandardMembers":
                foreach (DefinitionElement setting in member.Get("Members").Children)
                {
                    AddStandard(setting, type);
                }

                break;
            default:
                throw member.Refuse();
        }
    }

    private static void AddStandard(DefinitionElement setting, TypeData type)
    {
        switch (setting.Get("Name").Text)
        {
            case "SerializationDepth":
                type.SerializationDepth = uint.Parse(setting.Get("Value").Text, CultureInfo.InvariantCulture);
                break;
            case "DefaultDisplayPropertySet":
                List<DefinitionElement> elements = setting.Get("ReferencedProperties").Children;
                string[] properties = new string[elements.Count];
                for (int i = 0; i < properties.Length; i++)
                {
                    properties[i] = elements[i].Text;
                }

                type.DefaultDisplayPropertySet = new PropertySetData(properties);
                break;
            default:
                throw setting.Refuse();
        }
    }
}
