namespace OpenCloud.Build.Client.Progress;

/// <summary>Orders the events of a message by time. The daemon lists all vertexes first, then all parts, then all lines.</summary>
internal static class EventOrder
{
    /// <summary>Orders by time, then by step; a step's end follows what it wrote, and warnings follow that.</summary>
    public static List<BuildEvent> Sort(List<BuildEvent> events)
    {
        if (events.Count < 2)
        {
            return events;
        }

        Dictionary<BuildStep, DateTimeOffset> last = [];
        foreach (BuildEvent happened in events)
        {
            if (!last.TryGetValue(happened.Step, out DateTimeOffset known) || known < happened.When)
            {
                last[happened.Step] = happened.When;
            }
        }

        return [.. events.OrderBy(e => e is StepCompleted ? last[e.Step] : e.When).ThenBy(static e => e.Step.Number).ThenBy(Rank)];
    }

    private static int Rank(BuildEvent happened) => happened switch
    {
        StepWarned => 2,
        StepCompleted => 1,
        _ => 0,
    };
}
