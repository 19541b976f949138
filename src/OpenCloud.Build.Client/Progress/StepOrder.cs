namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// The order of steps in time, which numbers them: by first appearance, mostly the start. The daemon gives one time to all cached inputs of a step
/// (moby/buildkit, solver/progress.go, vertexStream), and lists them in no fixed order in a replay: of equal times an input precedes what
/// needs it.
/// </summary>
internal static class StepOrder
{
    /// <summary>Orders the steps, each with the time of its first appearance.</summary>
    public static IEnumerable<BuildStep> Sort(IEnumerable<KeyValuePair<BuildStep, DateTimeOffset>> appearances, Func<string, BuildStep?> find) =>
        appearances.GroupBy(static a => a.Value, static a => a.Key).OrderBy(static g => g.Key).SelectMany(group => InputsFirst([.. group], find));

    private static List<BuildStep> InputsFirst(List<BuildStep> steps, Func<string, BuildStep?> find)
    {
        if (steps.Count == 1)
        {
            return steps;
        }

        HashSet<BuildStep> left = [.. steps];
        HashSet<BuildStep> inputs = [.. steps.SelectMany(static s => s.Inputs).Select(find).OfType<BuildStep>()];
        List<BuildStep> sorted = new(steps.Count);
        Stack<(BuildStep Step, int Next)> way = new();

        // From the steps that no other needs; a cycle, which no daemon reports, begins anywhere.
        foreach (BuildStep root in steps.OrderBy(inputs.Contains).ThenBy(static s => s.Digest, StringComparer.Ordinal))
        {
            if (left.Remove(root))
            {
                way.Push((root, 0));
            }

            // Not recursive: the engine chooses the depth.
            while (way.TryPop(out (BuildStep Step, int Next) at))
            {
                if (at.Next == at.Step.Inputs.Count)
                {
                    sorted.Add(at.Step);
                    continue;
                }

                way.Push((at.Step, at.Next + 1));
                if (find(at.Step.Inputs[at.Next]) is { } input && left.Remove(input))
                {
                    way.Push((input, 0));
                }
            }
        }

        return sorted;
    }
}
