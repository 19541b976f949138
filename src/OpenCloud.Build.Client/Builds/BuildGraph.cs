namespace OpenCloud.Build.Client.Builds;

/// <summary>A build of a set, as far as its order matters.</summary>
/// <param name="Name">The name by which other builds of the set refer to it.</param>
/// <param name="Place">The engine: a result can be handed on only within one.</param>
/// <param name="DependsOn">The names of the builds whose results it uses.</param>
public sealed record BuildNode(string Name, string Place, IReadOnlyList<string> DependsOn);

/// <summary>
/// The order of builds that use each other's results. It starts nothing itself: <see cref="TryStart"/> gives the next build that can run,
/// <see cref="Announce"/> takes that its result is known, <see cref="Finish"/> its end. A build that cannot run because of another never starts. Not safe
/// for concurrent use.
/// </summary>
public sealed class BuildGraph
{
    private readonly IReadOnlyList<BuildNode> _nodes;
    private readonly List<int>[] _dependencies;
    private readonly List<int>[] _dependents;
    private readonly State[] _states;
    private readonly List<int> _order = [];

    /// <summary>Links the builds by their names.</summary>
    /// <param name="nodes">The builds, in the order in which they are wanted.</param>
    public BuildGraph(IReadOnlyList<BuildNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        _nodes = nodes;
        _states = new State[nodes.Count];
        _dependencies = [.. nodes.Select(static _ => new List<int>())];
        _dependents = [.. nodes.Select(static _ => new List<int>())];
        ILookup<string, int> byName = Enumerable.Range(0, nodes.Count).ToLookup(i => nodes[i].Name, StringComparer.Ordinal);
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (string name in nodes[i].DependsOn.Distinct(StringComparer.Ordinal))
            {
                foreach (int other in byName[name].Take(1))
                {
                    _dependencies[i].Add(other);
                    _dependents[other].Add(i);
                }
            }
        }

        Ambiguous = [.. nodes.SelectMany(static n => n.DependsOn).Distinct(StringComparer.Ordinal).Where(name => byName[name].Skip(1).Any())];
        Arrange();
    }

    /// <summary>The names of builds that depend on themselves, each on the next and the last on the first; empty when there are none.</summary>
    public IReadOnlyList<string> Cycle { get; private set; } = [];

    /// <summary>The names that builds depend on and that several builds have.</summary>
    public IReadOnlyList<string> Ambiguous { get; }

    /// <summary>The builds by their index, each after those it depends on, otherwise as given. With a cycle it is incomplete.</summary>
    public IReadOnlyList<int> Order => _order;

    /// <summary>Whether all builds have ended, or can never start.</summary>
    public bool IsDone => _states.All(static s => s is State.Built or State.Failed);

    /// <summary>
    /// How many builds run, and how many more will when those that they wait for have ended. A build that has started because a result is known takes the
    /// place of the build with that result.
    /// </summary>
    public int RunningCount
    {
        get
        {
            int count = 0;
            HashSet<int> awaited = [];
            for (int node = 0; node < _states.Length; node++)
            {
                if (!IsOpen(node))
                {
                    continue;
                }

                int first = _dependencies[node].FindIndex(IsOpen);
                count += first < 0 || !awaited.Add(_dependencies[node][first]) ? 1 : 0;
            }

            return count;

            bool IsOpen(int node) => _states[node] is State.Running or State.Known;
        }
    }

    /// <summary>The indexes of the builds that a build depends on.</summary>
    /// <param name="node">The index of the build.</param>
    public IReadOnlyList<int> DependenciesOf(int node) => _dependencies[node];

    /// <summary>The names that a build depends on and that no build of the same engine has.</summary>
    /// <param name="node">The index of the build.</param>
    public IReadOnlyList<string> MissingOf(int node) =>
        [.. _nodes[node].DependsOn.Distinct(StringComparer.Ordinal).Where(name => !_dependencies[node].Exists(d => _nodes[d].Name == name && _nodes[d].Place == _nodes[node].Place))];

    /// <summary>Starts the next build, in <see cref="Order"/>: one whose dependencies are built, otherwise one whose dependencies' results are known.</summary>
    /// <returns>Its index; null when none can start now.</returns>
    public int? TryStart()
    {
        int? start = null;
        foreach (int node in _order)
        {
            if (_states[node] != State.Waiting || !_dependencies[node].TrueForAll(d => _states[d] is State.Built or State.Known))
            {
                continue;
            }

            if (_dependencies[node].TrueForAll(d => _states[d] == State.Built))
            {
                start = node;
                break;
            }

            start ??= node;
        }

        if (start is { } next)
        {
            _states[next] = State.Running;
        }

        return start;
    }

    /// <summary>Takes that the result of a running build is known: those that use it can start. Without effect when the build has ended.</summary>
    /// <param name="node">The index of the build.</param>
    public void Announce(int node)
    {
        if (_states[node] == State.Running)
        {
            _states[node] = State.Known;
        }
    }

    /// <summary>Takes the end of a build, or that it is not going to start.</summary>
    /// <param name="node">The index of the build.</param>
    /// <param name="isBuilt">Whether it has a result.</param>
    /// <returns>The builds that cannot start any more, in <see cref="Order"/>.</returns>
    public IReadOnlyList<int> Finish(int node, bool isBuilt)
    {
        _states[node] = isBuilt ? State.Built : State.Failed;
        if (isBuilt)
        {
            return [];
        }

        List<int> ended = [];
        foreach (int other in _order)
        {
            if (_states[other] == State.Waiting && _dependencies[other].Exists(d => d == node || ended.Contains(d)))
            {
                _states[other] = State.Failed;
                ended.Add(other);
            }
        }

        return ended;
    }

    // A depth-first walk without recursion: a chain of builds may be long.
    private void Arrange()
    {
        int[] marks = new int[_nodes.Count];
        List<(int Node, int Next)> path = [];
        for (int start = 0; start < _nodes.Count; start++)
        {
            Enter(start);
            while (path.Count > 0)
            {
                (int node, int next) = path[^1];
                if (next == _dependencies[node].Count)
                {
                    path.RemoveAt(path.Count - 1);
                    marks[node] = 2;
                    _order.Add(node);
                    continue;
                }

                path[^1] = (node, next + 1);
                Enter(_dependencies[node][next]);
                if (Cycle.Count > 0)
                {
                    return;
                }
            }
        }

        void Enter(int node)
        {
            if (marks[node] == 1)
            {
                Cycle = [.. path.SkipWhile(p => p.Node != node).Select(p => _nodes[p.Node].Name)];
            }
            else if (marks[node] == 0)
            {
                marks[node] = 1;
                path.Add((node, 0));
            }
        }
    }

    private enum State
    {
        Waiting,
        Running,
        Known,
        Built,
        Failed,
    }
}
