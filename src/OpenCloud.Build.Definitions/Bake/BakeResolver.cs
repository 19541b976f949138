using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Resolves names to targets, and applies inheritance, overrides and links between targets.</summary>
internal sealed class BakeResolver(IReadOnlyList<BakeTarget> targets, IReadOnlyList<BakeGroup> groups, Dictionary<string, List<BakeOverride>> changes)
{
    private const int MostDepth = 200;

    private readonly Dictionary<string, BakeTarget> _byName = targets.GroupBy(static t => t.Name).ToDictionary(static g => g.Key, static g => g.First(), StringComparer.Ordinal);

    private readonly Dictionary<string, BakeGroup> _groups = groups.GroupBy(static g => g.Name).ToDictionary(static g => g.Key, static g => g.First(), StringComparer.Ordinal);
    private readonly HashSet<string> _linked = new(StringComparer.Ordinal);

    /// <summary>The requested groups and the groups in them, by name; <c>default</c> lists everything requested.</summary>
    public SortedDictionary<string, BakeGroup> Groups { get; } = new(StringComparer.Ordinal);

    /// <summary>Resolves names, patterns and groups to targets, and adds the targets that they use as contexts.</summary>
    public SortedDictionary<string, BakeTarget> Resolve(IReadOnlyList<string> names)
    {
        string[] asked = [.. names.Select(static n => n.Replace('.', '_')).SelectMany(Match).Distinct(StringComparer.Ordinal)];
        SortedDictionary<string, BakeTarget> resolved = new(StringComparer.Ordinal);
        foreach (string name in asked)
        {
            (List<string> ofGroup, List<string> groupNames) = Group(name, new Dictionary<string, (List<string>, List<string>)>(StringComparer.Ordinal), 0);
            foreach (string target in ofGroup.Distinct(StringComparer.Ordinal))
            {
                resolved[target] = Target(target);
            }

            foreach (string group in groupNames.Distinct(StringComparer.Ordinal))
            {
                Groups[group] = _groups[group];
            }
        }

        BakeGroup initial = Groups.GetValueOrDefault("default") ?? new BakeGroup("default", []);
        IEnumerable<string> all = initial.Targets.Concat(asked.Where(a => a != "default" || !Groups.ContainsKey("default")));
        Groups["default"] = initial with { Targets = [.. all.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] };
        foreach ((string name, BakeTarget target) in resolved.ToArray())
        {
            Link(name, target, resolved, []);
        }

        return resolved;
    }

    /// <summary>A target with inheritance and overrides applied, but not yet linked.</summary>
    private BakeTarget Target(string name)
    {
        BakeTarget target = Inherited(name, new Dictionary<string, BakeTarget?>(StringComparer.Ordinal), 0)!;
        target.Context ??= ".";
        target.Dockerfile = string.IsNullOrEmpty(target.Dockerfile) ? "Dockerfile" : target.Dockerfile;
        return target;
    }

    private IEnumerable<string> Match(string name)
    {
        if (!BakePattern.IsPattern(name))
        {
            return [name];
        }

        string[] found = [.. groups.Select(static g => g.Name).Concat(targets.Select(static t => t.Name)).Where(n => BakePattern.Matches(name, n))];
        return found.Length > 0 ? found : throw new DefinitionException($"no target matches '{name}'.") { IsMissingTarget = true };
    }

    private (List<string> Targets, List<string> Groups) Group(string name, Dictionary<string, (List<string> Targets, List<string> Groups)> visited, int depth)
    {
        if (visited.TryGetValue(name, out (List<string>, List<string>) known))
        {
            return known;
        }

        if (_groups.GetValueOrDefault(name) is not { } group)
        {
            return ([name], []);
        }

        if (depth > MostDepth)
        {
            throw new DefinitionException($"groups are nested too deeply, at '{name}'.");
        }

        visited[name] = ([], []);
        List<string> found = [];
        List<string> names = [name];
        foreach (string each in group.Targets)
        {
            (List<string> inner, List<string> innerGroups) = Group(each, visited, depth + 1);
            found.AddRange(inner.Count > 0 ? inner : [each]);
            names.AddRange(innerGroups);
        }

        // A group may be in several others; its targets count once.
        return visited[name] = ([.. found.Distinct(StringComparer.Ordinal)], [.. names.Distinct(StringComparer.Ordinal)]);
    }

    private BakeTarget? Inherited(string name, Dictionary<string, BakeTarget?> visited, int depth)
    {
        if (visited.TryGetValue(name, out BakeTarget? known))
        {
            return known;
        }

        visited[name] = null;
        if (depth > MostDepth)
        {
            throw new DefinitionException($"inheritance is nested too deeply, at '{name}'.");
        }

        BakeTarget own = _byName.GetValueOrDefault(name) ?? throw new DefinitionException($"there is no target named '{name}'.") { IsMissingTarget = true };
        BakeTarget whole = new() { Name = name };
        if (own.Inherits.Count > BakeTarget.MostItems)
        {
            throw new DefinitionException($"the target '{name}' inherits more than {BakeTarget.MostItems} targets.", own.File, own.Line);
        }

        // When a parent is listed twice, its last place counts.
        foreach (string parent in own.Inherits.AsEnumerable().Reverse().Distinct(StringComparer.Ordinal).Reverse())
        {
            if (Inherited(parent, visited, depth + 1) is { } inherited)
            {
                whole.Merge(inherited);
            }
        }

        whole.Merge(own);
        if (changes.TryGetValue(name, out List<BakeOverride>? changed))
        {
            BakeChanges.Apply(whole, changed);
        }

        whole.Normalize();
        whole.Inherits = [];
        return visited[name] = whole;
    }

    private void Link(string name, BakeTarget target, SortedDictionary<string, BakeTarget> resolved, List<string> way)
    {
        if (_linked.Contains(name))
        {
            return;
        }

        if (way.Count > MostDepth)
        {
            throw new DefinitionException($"contexts of targets are nested too deeply, at '{name}'.", target.File, target.Line);
        }

        List<string> visited = [.. way, name];
        foreach (string context in (target.Contexts ?? []).Values)
        {
            if (!context.StartsWith("target:", StringComparison.Ordinal))
            {
                continue;
            }

            string other = context["target:".Length..];
            if (visited.Contains(other))
            {
                throw new DefinitionException($"the target '{other}' uses itself as a context, through '{name}'.", target.File, target.Line);
            }

            if (!resolved.TryGetValue(other, out BakeTarget? linked))
            {
                linked = Target(other);
                linked.Outputs = [new BakeEntry { Type = "cacheonly" }];
                resolved[other] = linked;
            }

            Link(other, linked, resolved, visited);
            if (linked.Entitlements is { } granted)
            {
                target.Entitlements = [.. (target.Entitlements ?? []).Union(granted, StringComparer.Ordinal)];
            }

            if (target.Platforms is { Count: > 1 } && linked.Platforms is { Count: > 1 } && target.Platforms.Except(linked.Platforms).Any())
            {
                throw new DefinitionException($"the target '{name}' has platforms that its context '{other}' does not have.", target.File, target.Line);
            }
        }

        _linked.Add(name);
    }
}
