namespace OpenCloud.Build.Definitions.Compose;

/// <summary>Merges files and services: mappings by key, sequences by concatenation, scalars by the last value.</summary>
/// <remarks>The exceptions are as in compose-spec/compose-go (override/merge.go, override/uncity.go, transform).</remarks>
internal static class ComposeMerge
{
    public static ComposeNode Files(ComposeNode first, ComposeNode second) => Canonical(Merge(first, second, []));

    /// <summary>Merges a service into the one that it extends.</summary>
    public static ComposeNode Services(ComposeNode first, ComposeNode second) => Merge(first, second, ["services", "x"]);

    /// <summary>Removes the entry at a path of keys.</summary>
    public static ComposeNode Without(ComposeNode node, ReadOnlySpan<string> path)
    {
        if (path.Length == 0 || node.Entries is null || !node.Entries.TryGetValue(path[0], out ComposeNode? entry))
        {
            return node;
        }

        Dictionary<string, ComposeNode> entries = new(node.Entries, StringComparer.Ordinal);
        if (path.Length == 1)
        {
            entries.Remove(path[0]);
        }
        else
        {
            entries[path[0]] = Without(entry, path[1..]);
        }

        return ComposeNode.Mapping(node.File, node.Line, entries);
    }

    private static ComposeNode Merge(ComposeNode first, ComposeNode second, string[] path)
    {
        bool isBuild = path is ["services", _, "build", ..];
        if (path is ["services", _, "build"])
        {
            return Mappings(ToBuild(first), ToBuild(second), path);
        }

        if (isBuild && path is [_, _, _, "args" or "additional_contexts" or "labels"] || path is ["services", _, "environment"])
        {
            return ComposeNode.Sequence(second.File, second.Line, Unique([.. ToSequence(first), .. ToSequence(second)]));
        }

        if (isBuild && path is [_, _, _, "extra_hosts"])
        {
            List<ComposeNode> hosts = ToSequence(first);
            HashSet<string> known = [.. hosts.Select(static h => h.Value)];
            return ComposeNode.Sequence(second.File, second.Line, [.. hosts, .. ToSequence(second).Where(h => !known.Contains(h.Value))]);
        }

        if (second.IsNull)
        {
            return first;
        }

        if (first.Entries is not null)
        {
            return second.Entries is not null ? Mappings(first, second, path) : throw Mismatch();
        }

        if (first.Items is { } items)
        {
            return second.Items is { } more ? ComposeNode.Sequence(second.File, second.Line, [.. items, .. more]) : throw Mismatch();
        }

        return second;

        Exception Mismatch() => second.Refuse($"'{string.Join('.', path)}' cannot be merged: one value is a list or mapping, and the other is not.");
    }

    private static ComposeNode Mappings(ComposeNode first, ComposeNode second, string[] path)
    {
        Dictionary<string, ComposeNode> entries = new(first.Entries!, StringComparer.Ordinal);
        foreach ((string name, ComposeNode value) in second.Entries!)
        {
            entries[name] = entries.TryGetValue(name, out ComposeNode? before) ? Merge(before, value, [.. path, name]) : value;
        }

        return ComposeNode.Mapping(second.File, second.Line, entries);
    }

    private static ComposeNode ToBuild(ComposeNode node) => node.Entries is not null ? node : node.IsNull
        ? ComposeNode.Mapping(node.File, node.Line, new(StringComparer.Ordinal))
        : ComposeNode.Mapping(node.File, node.Line, new(StringComparer.Ordinal) { ["context"] = node });

    /// <summary>Converts a mapping to a sequence of <c>name=value</c>, sorted by name.</summary>
    private static List<ComposeNode> ToSequence(ComposeNode node)
    {
        if (node.Items is { } items)
        {
            return [.. items.Select(static i => i.Text(i.ToText("list")))];
        }

        if (node.Entries is null)
        {
            return node.IsNull ? [] : [node];
        }

        List<ComposeNode> sequence = [];
        foreach ((string name, ComposeNode value) in node.Entries.OrderBy(static e => e.Key, StringComparer.Ordinal))
        {
            sequence.AddRange(value.Items is { } several
                ? several.Select(v => v.Text($"{name}={v.ToText(name)}"))
                : [value.Text(value.IsNull ? name : $"{name}={value.ToText(name)}")]);
        }

        return sequence;
    }

    // Keeps the last value of each name, at the place of the first.
    private static List<ComposeNode> Unique(List<ComposeNode> items)
    {
        List<ComposeNode> unique = [];
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        foreach (ComposeNode item in items)
        {
            string name = item.ToText("list").Split('=', 2)[0];
            if (places.TryGetValue(name, out int place))
            {
                unique[place] = item;
            }
            else
            {
                places[name] = unique.Count;
                unique.Add(item);
            }
        }

        return unique;
    }

    /// <summary>Expands short forms, so that the next file is merged with the long ones.</summary>
    private static ComposeNode Canonical(ComposeNode file)
    {
        if (file.Entry("services") is not { } services)
        {
            return file;
        }

        Dictionary<string, ComposeNode> all = new(file.Entries!, StringComparer.Ordinal);
        all["services"] = services.Select(static (_, service) => service.Entry("build") is { } build
            ? service.Select((key, value) => key == "build" ? ToBuild(build).Select(CanonicalPart) : key == "profiles" && value.Items is { } profiles ? ComposeNode.Sequence(value.File, value.Line, Unique(profiles)) : value)
            : service);
        return ComposeNode.Mapping(file.File, file.Line, all);
    }

    private static ComposeNode CanonicalPart(string key, ComposeNode value)
    {
        switch (key)
        {
            case "ssh" when value.Items is { } agents:
                Dictionary<string, ComposeNode> byId = new(StringComparer.Ordinal);
                foreach (ComposeNode agent in agents)
                {
                    string[] parts = agent.ToText("ssh").Split('=', 2);
                    byId[parts[0]] = parts.Length == 2 ? agent.Text(parts[1]) : parts[0] == "default" ? ComposeNode.Scalar(agent.File, agent.Line, "", isPlain: true) : throw agent.Refuse($"the SSH key '{parts[0]}' has no path.");
                }

                return ComposeNode.Mapping(value.File, value.Line, byId);
            case "additional_contexts" when value.Items is { } contexts:
                Dictionary<string, ComposeNode> byName = new(StringComparer.Ordinal);
                foreach (ComposeNode context in contexts)
                {
                    string[] parts = context.ToText("additional_contexts").Split('=', 2);
                    byName[parts[0]] = parts.Length == 2 ? context.Text(parts[1]) : throw context.Refuse($"the context '{parts[0]}' has no path.");
                }

                return ComposeNode.Mapping(value.File, value.Line, byName);
            case "args" or "labels" or "tags" when value.Items is { } items:
                return ComposeNode.Sequence(value.File, value.Line, Unique(items));
            default:
                return value;
        }
    }
}
