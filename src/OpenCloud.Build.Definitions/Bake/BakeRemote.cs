using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>What is different about the targets of a definition from a repository or archive.</summary>
/// <remarks>docker/buildx, bake/bake.go (toBuildOpt, updateContext).</remarks>
internal static class BakeRemote
{
    /// <summary>The address of a context that is a path there.</summary>
    /// <exception cref="DefinitionException">It has none.</exception>
    public static string Place(string context, DefinitionOrigin origin, BakeTarget target) => context.Contains('\0', StringComparison.Ordinal)
        ? throw new DefinitionException("a path has a NUL character in it.")
        : origin.Within(context) ?? throw new DefinitionException($"the target '{target.Name}': the context '{context}' is a directory of an archive, which has no address of its own; only git repositories have such.", target.File, target.Line);

    /// <summary>Refuses a Dockerfile that would be looked for where the context is, on this machine, and not where the definition is.</summary>
    /// <exception cref="DefinitionException">It is refused.</exception>
    public static void CheckDockerfile(BakeTarget target, string context)
    {
        bool isLocal = Path.IsPathRooted(target.Dockerfile) || target.Dockerfile?.StartsWith("cwd://", StringComparison.Ordinal) == true;
        if (Path.IsPathRooted(context) && target.DockerfileInline is null && !isLocal)
        {
            throw new DefinitionException(
                $"the target '{target.Name}' has a local context, and the Dockerfile is not read from the address of the definition then; use dockerfile-inline, or cwd:// for a local Dockerfile.", target.File, target.Line);
        }
    }

    /// <summary>The build with what an engine requires to fetch a context from the server of the definition.</summary>
    public static BuildDefinition WithCredentials(BuildDefinition build, DefinitionOrigin origin, Func<string, string?> environment)
    {
        Dictionary<string, string> secrets = new(build.Secret ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        foreach ((string id, string variable) in origin.GitSecrets(build.LiteralPath, environment))
        {
            secrets.TryAdd(id, "env:" + variable);
        }

        return build with
        {
            Secret = secrets.Count > 0 ? secrets : null,
            Ssh = build.Ssh ?? (DefinitionOrigin.IsOverSsh(build.LiteralPath) && !Path.IsPathRooted(build.LiteralPath) ? ["default"] : null),
        };
    }
}
