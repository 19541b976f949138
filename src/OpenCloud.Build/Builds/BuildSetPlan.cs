using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>Definitions that are built together: which can be built, in which order, and what each error stops.</summary>
internal sealed class BuildSetPlan
{
    private readonly CheckedBuild?[] _builds;
    private readonly string[] _names;

    /// <summary>A definition whose build is null was refused.</summary>
    /// <exception cref="BuildErrorException">The definitions depend on each other in a circle, or a name that matters is there twice.</exception>
    public BuildSetPlan(IReadOnlyList<(string Name, CheckedBuild? Build)> definitions)
    {
        _names = [.. definitions.Select(static d => d.Name)];
        _builds = [.. definitions.Select(static d => d.Build)];
        Graph = new BuildGraph([.. definitions.Select(static d => new BuildNode(d.Name, PlaceOf(d.Build), d.Build?.Request.DependsOn ?? []))]);
        if (Graph.Cycle.Count > 0)
        {
            throw ErrorCatalog.BuildCycle.ToException(Graph.Cycle[0], null, string.Join(" → ", Graph.Cycle.Append(Graph.Cycle[0])));
        }

        IEnumerable<string> inFile = definitions.Where(static d => d.Build?.MetadataPath is not null).GroupBy(static d => d.Name, StringComparer.Ordinal).Where(static g => g.Skip(1).Any()).Select(static g => g.Key);
        if (Graph.Ambiguous.Concat(inFile).FirstOrDefault() is { } name)
        {
            throw ErrorCatalog.DuplicateBuildName.ToException(name, null, name);
        }
    }

    public BuildGraph Graph { get; }

    public int Count => _builds.Length;

    public CheckedBuild? this[int node] => _builds[node];

    public string NameOf(int node) => _names[node];

    /// <summary>Finds the definitions that cannot be built, and takes them out.</summary>
    /// <returns>Their errors, except those of definitions that were refused before.</returns>
    public IReadOnlyList<BuildErrorException> Check()
    {
        List<BuildErrorException> errors = [];

        // A refused definition comes before those that depend on it, which then have its error and no other.
        foreach (int node in Graph.Order)
        {
            if (_builds[node] is null)
            {
                errors.AddRange(Fail(node, "was refused").Select(static f => f.Error));
            }
            else if (Graph.MissingOf(node) is [{ } missing, ..])
            {
                errors.Add(ErrorCatalog.LinkedBuildNotFound.ToException(_names[node], null, _names[node], missing));
                errors.AddRange(Fail(node, "was refused").Select(static f => f.Error));
            }
        }

        return errors;
    }

    /// <summary>Takes a definition out, and those that depend on it.</summary>
    /// <returns>Those that depend on it, with their errors.</returns>
    public IReadOnlyList<(int Node, BuildErrorException Error)> Fail(int node, string what)
    {
        _builds[node] = null;
        IReadOnlyList<int> stopped = Graph.Finish(node, isBuilt: false);
        foreach (int other in stopped)
        {
            _builds[other] = null;
        }

        return [.. stopped.Select(other => (other, NotBuilt(_names[other], _names[node], what)))];
    }

    /// <summary>The error of a definition whose dependency has no result.</summary>
    public static BuildErrorException NotBuilt(string name, string dependency, string what) => ErrorCatalog.DependencyNotBuilt.ToException(name, null, name, dependency, what);

    /// <summary>Gives each build the requests of its engine, and a name that is its own.</summary>
    public void Join(Func<CheckedBuild, CheckedBuild> change)
    {
        foreach (IGrouping<string, int> engine in Enumerable.Range(0, Count).Where(i => _builds[i] is not null).GroupBy(i => PlaceOf(_builds[i])))
        {
            Dictionary<string, ImageBuildRequest> requests = new(StringComparer.Ordinal);
            Dictionary<string, ImageBuildRequest> elsewhere = new(StringComparer.Ordinal);
            foreach (int node in engine)
            {
                CheckedBuild build = change(_builds[node]!);
                string target = requests.ContainsKey(_names[node]) ? $"{_names[node]} ({node + 1})" : _names[node];
                requests.Add(target, build.Request);
                elsewhere.Add(target, build.RequestElsewhere);
                _builds[node] = build with { Target = target, Set = requests, SetElsewhere = elsewhere };
            }
        }
    }

    private static string PlaceOf(CheckedBuild? build) => build?.Address?.ToString() ?? string.Empty;
}
