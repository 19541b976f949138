using System.Globalization;

namespace OpenCloud.Build.Definitions.Compose;

internal static class ComposeReader
{
    /// <summary>The directory is the default context, or <c>.</c> when empty; arguments without a value use <paramref name="lookup"/>.</summary>
    public static ComposeProject Read(ComposeNode model, string name, string directory, Func<string, string?>? lookup)
    {
        Dictionary<string, ComposeSecret> secrets = new(StringComparer.Ordinal);
        foreach ((string id, ComposeNode secret) in model.Entry("secrets")?.ToEntries("secrets") ?? [])
        {
            secrets[id] = new ComposeSecret(Text(secret, "file"), Text(secret, "environment"), Truth(secret, "external"));
        }

        Dictionary<string, ComposeService> services = new(StringComparer.Ordinal);
        foreach ((string id, ComposeNode service) in model.Entry("services")?.ToEntries("services") ?? [])
        {
            if (id.Length == 0 || !id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            {
                throw service.Refuse($"'{id}' is not a valid service name; use letters, digits, '.', '_' and '-'.");
            }

            services[id] = new ComposeService(id, service.File, service.Line)
            {
                Image = Text(service, "image"),
                Platform = Text(service, "platform"),
                Profiles = List(service, "profiles"),
                Environment = Pairs(service.Entry("environment"), "environment"),
                Build = service.Entry("build") is { } build ? Build(build, directory, lookup) : null,
            };
        }

        ComposeProject project = new(name, directory, services, secrets);
        Check(project);
        return project;
    }

    /// <summary>Parses a size such as <c>64m</c> to bytes; null when it is invalid.</summary>
    public static long? Bytes(string text)
    {
        string trimmed = text.Trim().ToLowerInvariant();
        string unit = trimmed.TrimStart("0123456789. ".ToCharArray());
        string digits = trimmed[..^unit.Length].TrimEnd();
        int power = unit.TrimEnd('b').TrimEnd('i') switch
        {
            "" => 0,
            "k" => 1,
            "m" => 2,
            "g" => 3,
            "t" => 4,
            "p" => 5,
            _ => -1,
        };
        if (power < 0 || unit.EndsWith('i') || !double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            return null;
        }

        double bytes = number * Math.Pow(1024, power);
        return bytes < long.MaxValue ? (long)bytes : null;
    }

    private static void Check(ComposeProject project)
    {
        foreach (ComposeService service in project.Services.Values.Where(static s => s.Build is not null))
        {
            foreach ((string source, _) in service.Build!.Secrets)
            {
                if (!project.Secrets.ContainsKey(source))
                {
                    throw new Model.DefinitionException($"the service '{service.Name}' uses the secret '{source}', which is not in 'secrets'.", service.File, service.Line);
                }
            }
        }
    }

    private static ComposeBuild Build(ComposeNode build, string directory, Func<string, string?>? lookup)
    {
        string? inline = Text(build, "dockerfile_inline");
        string? dockerfile = Text(build, "dockerfile");
        if (inline is not null && dockerfile is not null)
        {
            throw build.Refuse("a build cannot have both 'dockerfile' and 'dockerfile_inline'.");
        }

        Dictionary<string, string?> args = new(StringComparer.Ordinal);
        foreach ((string name, string? value) in Pairs(build.Entry("args"), "args"))
        {
            args[name] = value ?? lookup?.Invoke(name);
        }

        return new ComposeBuild
        {
            Context = Text(build, "context") is { Length: > 0 } context ? context : directory.Length > 0 ? directory : ".",
            Dockerfile = dockerfile,
            DockerfileInline = inline,
            Args = args,
            Labels = Pairs(build.Entry("labels"), "labels").ToDictionary(static l => l.Key, static l => l.Value ?? string.Empty, StringComparer.Ordinal),
            Contexts = Pairs(build.Entry("additional_contexts"), "additional_contexts").ToDictionary(static c => c.Key, static c => c.Value ?? string.Empty, StringComparer.Ordinal),
            Ssh = Pairs(build.Entry("ssh"), "ssh").ToDictionary(static s => s.Key, static s => s.Value ?? string.Empty, StringComparer.Ordinal),
            Secrets = Secrets(build),
            CacheFrom = List(build, "cache_from"),
            CacheTo = List(build, "cache_to"),
            Tags = List(build, "tags"),
            Platforms = List(build, "platforms"),
            Entitlements = List(build, "entitlements"),
            NoCacheFilter = List(build, "no_cache_filter"),
            ExtraHosts = Hosts(build.Entry("extra_hosts")),
            Ulimits = Limits(build.Entry("ulimits")),
            NoCache = Truth(build, "no_cache"),
            Pull = Truth(build, "pull"),
            IsPrivileged = Truth(build, "privileged"),
            Network = Text(build, "network"),
            Target = Text(build, "target"),
            Isolation = Text(build, "isolation"),
            ShmSize = build.Entry("shm_size") is { } size ? Bytes(size.ToText("shm_size")) ?? throw size.Refuse($"'{size.Value}' is not a size.") : null,
            Provenance = Text(build, "provenance"),
            Sbom = Text(build, "sbom"),
            Bake = build.Entry("x-bake"),
        };
    }

    private static string? Text(ComposeNode node, string name) => node.Entry(name)?.ToText(name);

    private static bool Truth(ComposeNode node, string name) => node.Entry(name) is { } value
        && (value.ToText(name).ToLowerInvariant() switch
        {
            "true" or "1" or "t" or "yes" or "y" or "on" => true,
            "false" or "0" or "f" or "no" or "n" or "off" => false,
            _ => throw value.Refuse($"'{name}' must be true or false."),
        });

    private static List<string> List(ComposeNode node, string name) => node.Entry(name) is not { } value ? [] : value.Items is { } items
        ? [.. items.Select(i => i.ToText(name))]
        : value.Entries is null ? [value.ToText(name)] : throw value.Refuse($"'{name}' must be a list.");

    /// <summary>Reads a mapping or a list of <c>name=value</c>; a value may be absent.</summary>
    private static Dictionary<string, string?> Pairs(ComposeNode? node, string what)
    {
        Dictionary<string, string?> pairs = new(StringComparer.Ordinal);
        foreach ((string name, ComposeNode value) in node?.Entries ?? [])
        {
            pairs[name] = value.IsNull ? null : value.ToText(name);
        }

        foreach (ComposeNode item in node?.Items ?? [])
        {
            string[] parts = item.ToText(what).Split('=', 2);
            pairs[parts[0]] = parts.Length == 2 ? parts[1] : null;
        }

        return node is { Entries: null, Items: null } ? throw node.Refuse($"'{what}' must be a list or a mapping.") : pairs;
    }

    private static List<(string Source, string? Target)> Secrets(ComposeNode build)
    {
        List<(string, string?)> secrets = [];
        foreach (ComposeNode secret in build.Entry("secrets")?.Items ?? [])
        {
            secrets.Add(secret.Entries is null
                ? (secret.ToText("secrets"), null)
                : (Text(secret, "source") ?? throw secret.Refuse("a secret requires a 'source'."), Text(secret, "target")));
        }

        return secrets;
    }

    private static List<string> Hosts(ComposeNode? node)
    {
        List<string> hosts = [];
        foreach ((string name, ComposeNode value) in node?.Entries ?? [])
        {
            hosts.AddRange((value.Items ?? [value]).Select(v => $"{name}={Address(v.ToText(name))}"));
        }

        foreach (ComposeNode item in node?.Items ?? [])
        {
            string text = item.ToText("extra_hosts");
            int sign = text.IndexOf('=', StringComparison.Ordinal);
            sign = sign < 0 ? text.IndexOf(':', StringComparison.Ordinal) : sign;
            hosts.Add(sign > 0 ? $"{text[..sign]}={Address(text[(sign + 1)..])}" : throw item.Refuse($"'{text}' is not in the form 'host=address'."));
        }

        return [.. hosts.Distinct(StringComparer.Ordinal)];
    }

    // An IPv6 address may be in brackets.
    private static string Address(string text) => text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text;

    private static Dictionary<string, ComposeLimit> Limits(ComposeNode? node)
    {
        Dictionary<string, ComposeLimit> limits = new(StringComparer.Ordinal);
        foreach ((string name, ComposeNode value) in node?.ToEntries("ulimits") ?? [])
        {
            limits[name] = value.Entries is null
                ? new ComposeLimit(Number(value), Number(value), IsSingle: true)
                : new ComposeLimit(Number(value.Entry("soft") ?? throw value.Refuse("a limit requires 'soft' and 'hard'.")), Number(value.Entry("hard") ?? throw value.Refuse("a limit requires 'soft' and 'hard'.")), IsSingle: false);
        }

        return limits;
    }

    private static long Number(ComposeNode node) => long.TryParse(node.ToText("ulimits"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
        ? number
        : throw node.Refuse($"'{node.Value}' is not a whole number.");
}
