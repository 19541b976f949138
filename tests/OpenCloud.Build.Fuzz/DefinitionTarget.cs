using System.Text;
using OpenCloud.Build.Definitions;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Fuzz;

/// <summary>A build definition, from its text to its builds. It reads no other file and no environment.</summary>
internal static class DefinitionTarget
{
    public static void Run(byte[] input, DefinitionLanguage language)
    {
        DefinitionOptions options = new()
        {
            WorkingDirectory = "/nowhere",
            Profiles = ["*"],
            Environment = static _ => null,
            ReadFile = static _ => null,
        };
        DefinitionSource source = new("definition", Encoding.UTF8.GetString(input), language) { FullPath = "/nowhere/definition" };
        Targets.Refusing<DefinitionException>(() => BuildDefinitions.Read([source], options));
    }
}
