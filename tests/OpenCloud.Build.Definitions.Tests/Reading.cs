using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Tests;

internal static class Reading
{
    public const string Directory = "/work/project";

    public static DefinitionOptions Options(params string[] targets) => new()
    {
        WorkingDirectory = Directory,
        Targets = targets,
        Environment = static _ => null,
        ReadFile = static _ => null,
    };

    public static IReadOnlyList<BuildDefinition> Hcl(string text, params string[] targets) => BuildDefinitions.Read([new DefinitionSource("docker-bake.hcl", text)], Options(targets));

    public static IReadOnlyList<BuildDefinition> Compose(string text, params string[] targets) =>
        BuildDefinitions.Read([new DefinitionSource("compose.yaml", text) { FullPath = Directory + "/compose.yaml" }], Options(targets));

    public static DefinitionException RefusedHcl(string text, params string[] targets) => Xunit.Assert.Throws<DefinitionException>(() => Hcl(text, targets));

    public static DefinitionException RefusedCompose(string text) => Xunit.Assert.Throws<DefinitionException>(() => Compose(text));
}
