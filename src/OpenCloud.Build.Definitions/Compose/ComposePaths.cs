using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Compose;

internal static class ComposePaths
{
    private static readonly string[] Addresses = ["https://", "http://", "git://", "ssh://", "github.com/", "git@"];

    public static bool IsAddress(string context) =>
        context.Contains("://", StringComparison.Ordinal) || context.StartsWith("service:", StringComparison.Ordinal) || Array.Exists(Addresses, a => context.StartsWith(a, StringComparison.Ordinal));

    public static string Full(string path, string directory, Func<string, string?> environment)
    {
        if (path.Length == 0)
        {
            return path;
        }

        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new DefinitionException("a path has a NUL character in it.");
        }

        string given = path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? environment("HOME") + path[1..] : path;
        if (directory.Length == 0 && !Path.IsPathRooted(given))
        {
            // Cleans the path below a fictional root, so that no directory of this machine gets into it.
            string clean = Path.GetRelativePath("/a/b/c/d/e/f/g/h", Path.GetFullPath(Path.Join("/a/b/c/d/e/f/g/h", given)));
            return Path.TrimEndingDirectorySeparator(clean);
        }

        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(Path.Join(Path.IsPathRooted(given) ? null : directory, given)));
    }

    /// <summary>Resolves the paths of services and secrets to full paths; without a directory, only cleans them.</summary>
    public static ComposeNode Resolve(ComposeNode file, string directory, Func<string, string?> environment)
    {
        return file.Select((key, value) => key switch
        {
            "services" => value.Select((_, service) => service.Select((name, part) => name switch
            {
                "build" when part.Entries is not null => part.Select(Build),
                "extends" when part.Entries is not null => part.Select((n, v) => n == "file" ? FullNode(v) : v),
                _ => part,
            })),
            "secrets" => value.Select((_, secret) => secret.Select((n, v) => n == "file" ? FullNode(v) : v)),
            _ => value,
        });

        ComposeNode Build(string key, ComposeNode value) => key switch
        {
            "context" => ContextNode(value),
            "additional_contexts" => value.Select((_, context) => ContextNode(context)),
            "ssh" => value.Select((_, agent) => FullNode(agent)),
            _ => value,
        };

        ComposeNode ContextNode(ComposeNode value) => value.Entries is null && value.Items is null && !value.IsNull && IsAddress(value.Value) ? value : FullNode(value);

        ComposeNode FullNode(ComposeNode value) => value.IsNull ? value : value.Text(Full(value.ToText("path"), directory, environment));
    }
}
