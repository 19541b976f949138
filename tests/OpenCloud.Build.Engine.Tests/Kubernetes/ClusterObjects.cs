using System.Globalization;
using System.Text.Json.Nodes;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>
/// The objects of a cluster of the tests, and what its controllers do with them: a workload has as many pods as it asks for, and a pod that is deleted
/// ends when its last command has ended.
/// </summary>
internal sealed class ClusterObjects
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, JsonObject> _all = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FieldManagers> _managers = new(StringComparer.Ordinal);
    private int _version = 1;

    /// <summary>The namespaces that exist.</summary>
    public static IReadOnlyList<string> Namespaces { get; } = ["ci", "default"];

    /// <summary>Whether new pods become ready at once.</summary>
    public bool StartsReady { get; set; } = true;

    public JsonObject? Find(string space, string resource, string name)
    {
        lock (_lock)
        {
            return _all.TryGetValue(Key(space, resource, name), out JsonObject? found) ? found.DeepClone().AsObject() : null;
        }
    }

    public IReadOnlyList<JsonObject> List(string? space, string resource, string? selector, string? field)
    {
        lock (_lock)
        {
            return [.. _all.Where(pair => pair.Key.Split('/') is [string ns, string kind, _] && kind == resource && (space is null || ns == space))
                .Select(static pair => pair.Value.DeepClone().AsObject())
                .Where(o => Matches(o, selector) && (field is null || field == $"metadata.name={o["metadata"]!["name"]}"))];
        }
    }

    /// <summary>Applies, or merges, fields into an object, and creates it when it is missing.</summary>
    public JsonObject Put(string space, string resource, string name, Action<JsonObject> change)
    {
        JsonObject result;
        lock (_lock)
        {
            string key = Key(space, resource, name);
            if (!_all.TryGetValue(key, out JsonObject? found))
            {
                _all[key] = found = NewObject();
            }

            change(found);
            JsonObject metadata = found["metadata"]!.AsObject();
            metadata["name"] = name;
            metadata["namespace"] = space;
            metadata["resourceVersion"] = (_version++).ToString(CultureInfo.InvariantCulture);
            Reconcile(space, resource, name);
            result = found.DeepClone().AsObject();
        }

        return result;
    }

    /// <summary>Changes an object, or creates it, unless an apply conflicts with other managers: then there is no result. A dry run stores nothing.</summary>
    public (JsonObject? Result, bool IsNew, IReadOnlyList<FieldConflict> Conflicts) Patch(string space, string resource, string name, ObjectPatch patch)
    {
        lock (_lock)
        {
            string key = Key(space, resource, name);
            bool isNew = !_all.TryGetValue(key, out JsonObject? found);
            JsonObject before = (found ?? NewObject()).DeepClone().AsObject();
            JsonObject after = before.DeepClone().AsObject();
            patch.Change(after);
            FieldManagers managers = _managers.GetValueOrDefault(key, new FieldManagers());
            if (patch.IsApply && !patch.Forces && managers.Conflicts(before, after, patch.Manager) is { Count: > 0 } conflicts)
            {
                return (null, isNew, conflicts);
            }

            if (!patch.IsDryRun)
            {
                managers.Take(before, after, patch.Manager);
                _managers[key] = managers;
                after = Put(space, resource, name, patch.Change);
            }

            return (after, isNew, []);
        }
    }

    public JsonObject? Delete(string space, string resource, string name)
    {
        lock (_lock)
        {
            if (!_all.Remove(Key(space, resource, name), out JsonObject? found))
            {
                return null;
            }

            _managers.Remove(Key(space, resource, name));
            if (resource is "deployments" or "statefulsets")
            {
                foreach (string pod in PodsOf(found, space))
                {
                    Remove(space, pod);
                }
            }

            return found;
        }
    }

    /// <summary>Changes a pod, as its kubelet or a controller does.</summary>
    public void ChangePod(string space, string name, Action<JsonObject> change) => Put(space, "pods", name, change);

    /// <summary>Takes that no command runs in a pod any more.</summary>
    public void EndPodIfDeleted(string space, string name)
    {
        lock (_lock)
        {
            if (_all.TryGetValue(Key(space, "pods", name), out JsonObject? pod) && pod["metadata"]!["deletionTimestamp"] is not null && pod["busy"] is null)
            {
                _all.Remove(Key(space, "pods", name));
            }
        }
    }

    /// <summary>Counts the commands that run in a pod.</summary>
    public void Busy(string space, string name, int change)
    {
        lock (_lock)
        {
            if (_all.TryGetValue(Key(space, "pods", name), out JsonObject? pod))
            {
                int busy = (pod["busy"]?.GetValue<int>() ?? 0) + change;
                pod["busy"] = busy == 0 ? null : busy;
            }
        }

        EndPodIfDeleted(space, name);
    }

    public static JsonObject ReadyStatus() => new()
    {
        ["phase"] = "Running",
        ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True" }),
        ["containerStatuses"] = new JsonArray(new JsonObject { ["name"] = "buildkitd", ["ready"] = true, ["state"] = new JsonObject { ["running"] = new JsonObject() } }),
    };

    private static JsonObject NewObject() => new() { ["metadata"] = new JsonObject { ["uid"] = Guid.NewGuid().ToString(), ["creationTimestamp"] = "2026-11-28T09:30:15Z" } };

    private static string Key(string space, string resource, string name) => $"{space}/{resource}/{name}";

    private static bool Matches(JsonObject value, string? selector)
    {
        JsonObject? labels = value["metadata"]?["labels"]?.AsObject();
        return selector is null || selector.Split(',').All(term => term.Split('=', 2) is [string name, string wanted] && labels?[name]?.GetValue<string>() == wanted);
    }

    private List<string> PodsOf(JsonObject workload, string space)
    {
        string selector = string.Join(',', workload["spec"]!["selector"]!["matchLabels"]!.AsObject().Select(static l => $"{l.Key}={l.Value}"));
        return [.. _all.Where(pair => pair.Key.StartsWith($"{space}/pods/", StringComparison.Ordinal) && Matches(pair.Value, selector) && pair.Value["metadata"]!["deletionTimestamp"] is null).Select(static pair => pair.Key.Split('/')[2])];
    }

    private void Reconcile(string space, string resource, string name)
    {
        if (resource is not ("deployments" or "statefulsets"))
        {
            return;
        }

        JsonObject workload = _all[Key(space, resource, name)];
        int wanted = workload["spec"]!["replicas"]!.GetValue<int>();
        List<string> pods = PodsOf(workload, space);
        for (int i = 0; pods.Count < wanted; i++)
        {
            string pod = $"{name}-{i}";
            if (_all.ContainsKey(Key(space, "pods", pod)))
            {
                continue;
            }

            JsonNode template = workload["spec"]!["template"]!;
            _all[Key(space, "pods", pod)] = new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Pod",
                ["metadata"] = new JsonObject { ["name"] = pod, ["namespace"] = space, ["uid"] = Guid.NewGuid().ToString(), ["labels"] = template["metadata"]!["labels"]!.DeepClone() },
                ["spec"] = template["spec"]!.DeepClone(),
                ["status"] = StartsReady ? ReadyStatus() : new JsonObject { ["phase"] = "Pending" },
            };
            pods.Add(pod);
        }

        foreach (string pod in pods.Order(StringComparer.Ordinal).Skip(wanted))
        {
            Remove(space, pod);
        }

        workload["status"] = new JsonObject { ["replicas"] = wanted, ["updatedReplicas"] = wanted, ["readyReplicas"] = StartsReady ? wanted : 0 };
    }

    private void Remove(string space, string pod)
    {
        _all[Key(space, "pods", pod)]["metadata"]!["deletionTimestamp"] = "2026-11-30T00:00:00Z";
        EndPodIfDeleted(space, pod);
    }
}
