using OpenCloud.Build.Definitions.Compose;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Makes the builds of a Compose project as docker compose does: image names, profiles, and services used as contexts.</summary>
internal static class ComposeBuilds
{
    public static IEnumerable<BuildDefinition> Read(IReadOnlyList<DefinitionSource> sources, DefinitionOptions options)
    {
        ComposeProject project = ComposeLoader.Load(sources, Directory(sources, options), options);
        List<string> names = Selected(project, options);
        List<BakeTarget> targets = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        Queue<string> queue = new(names);
        while (queue.TryDequeue(out string? name))
        {
            if (!seen.Add(name))
            {
                continue;
            }

            ComposeService service = project.Services[name];
            targets.Add(Target(service, project));
            foreach (string context in service.Build!.Contexts.Values.Where(static c => c.StartsWith("service:", StringComparison.Ordinal)))
            {
                string other = context["service:".Length..];
                if (!project.Services.TryGetValue(other, out ComposeService? taken) || taken.Build is null)
                {
                    throw new DefinitionException($"the service '{name}' uses the service '{other}' as a context, which does not exist or has no build.", service.File, service.Line);
                }

                queue.Enqueue(other);
            }
        }

        RefuseCycles(targets);
        Dictionary<string, List<BakeOverride>> changes = BakeOverride.Read(options.Overrides, targets, options.Environment);
        foreach (BakeTarget target in targets)
        {
            if (changes.TryGetValue(target.Name, out List<BakeOverride>? changed))
            {
                BakeChanges.Apply(target, changed);
            }

            target.Normalize();
            yield return BakeMapping.ToDefinition(target, project.Directory, options.Environment);
        }
    }

    public static IEnumerable<string> Names(IReadOnlyList<DefinitionSource> sources, DefinitionOptions options) =>
        ComposeLoader.Load(sources, Directory(sources, options), options).Services.Values.Where(static s => s.Build is not null).Select(static s => s.Name);

    private static string Directory(IReadOnlyList<DefinitionSource> sources, DefinitionOptions options) =>
        sources[0].FullPath is { } path ? Path.GetDirectoryName(path)! : options.WorkingDirectory;

    private static List<string> Selected(ComposeProject project, DefinitionOptions options)
    {
        if (options.Targets.Count == 0)
        {
            string[] profiles = options.Profiles.Count > 0 ? [.. options.Profiles]
                : (options.Environment("COMPOSE_PROFILES") ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            return [.. project.Services.Values
                .Where(s => s.Build is not null && (s.Profiles.Count == 0 || profiles.Contains("*") || s.Profiles.Intersect(profiles, StringComparer.Ordinal).Any()))
                .Select(static s => s.Name)];
        }

        // A service requested by name needs no profile.
        List<string> names = [];
        foreach (string target in options.Targets)
        {
            string[] found = [.. project.Services.Values.Where(s => s.Name == target || (s.Build is not null && BakePattern.IsPattern(target) && BakePattern.Matches(target, s.Name))).Select(static s => s.Name)];
            names.AddRange(found.Length > 0 ? found : throw new DefinitionException($"no service matches '{target}'.") { IsMissingTarget = true });
        }

        return names.Find(n => project.Services[n].Build is null) is { } without
            ? throw new DefinitionException($"the service '{without}' has no build.", project.Services[without].File, project.Services[without].Line) { IsMissingTarget = true }
            : names;
    }

    private static BakeTarget Target(ComposeService service, ComposeProject project)
    {
        ComposeBuild build = service.Build!;
        BakeTarget target = ComposeTargets.From(service, project, static _ => null);
        target.Args = new(build.Args.ToDictionary(static a => a.Key, static a => a.Value, StringComparer.Ordinal), StringComparer.Ordinal);
        target.Tags = [string.IsNullOrEmpty(service.Image) ? $"{project.Name}-{service.Name}" : service.Image, .. build.Tags];
        target.Entitlements = [.. build.Entitlements, .. build.IsPrivileged ? new[] { "security.insecure" } : []];
        target.NoCacheFilter = build.NoCacheFilter.Count > 0 ? [.. build.NoCacheFilter] : target.NoCacheFilter;
        target.Platforms ??= service.Platform is { Length: > 0 } platform ? [platform] : null;
        target.Secrets = build.Secrets.Count == 0 ? target.Secrets
            : [.. build.Secrets.Select(s => new BakeSecret(s.Target ?? s.Source, project.Secrets[s.Source].File ?? string.Empty, project.Secrets[s.Source].Variable ?? string.Empty))];
        return target;
    }

    private static void RefuseCycles(List<BakeTarget> targets)
    {
        Dictionary<string, BakeTarget> byName = targets.ToDictionary(static t => t.Name, StringComparer.Ordinal);
        HashSet<string> done = new(StringComparer.Ordinal);
        foreach (BakeTarget target in targets)
        {
            Visit(target, []);
        }

        void Visit(BakeTarget target, HashSet<string> way)
        {
            if (done.Contains(target.Name))
            {
                return;
            }

            if (!way.Add(target.Name) || way.Count > 200)
            {
                throw new DefinitionException($"the service '{target.Name}' uses itself as a context, or contexts are nested too deeply.", target.File, target.Line);
            }

            foreach (string context in (target.Contexts ?? []).Values.Where(static c => c.StartsWith("target:", StringComparison.Ordinal)))
            {
                if (byName.TryGetValue(context["target:".Length..], out BakeTarget? other))
                {
                    Visit(other, way);
                }
            }

            way.Remove(target.Name);
            done.Add(target.Name);
        }
    }
}
