using System.Globalization;
using OpenCloud.Build.Client.Progress;

namespace OpenCloud.Build.Screen;

/// <summary>
/// A log for a CI host, with a group for each step and annotations. Groups do not nest, but steps run in parallel: one step is written live, and the
/// lines of the others are kept until it ends.
/// </summary>
internal sealed class GroupedBuildLog(bool isAzure) : IBuildLog
{
    /// <summary>The limit for kept characters of other steps; beyond it the open group ends early.</summary>
    private const int MostKept = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly List<Group> _waiting = [];
    private readonly HashSet<(string? Build, int Step)> _ended = [];
    private Group? _open;
    private int _kept;

    public IReadOnlyList<string> Write(string? build, BuildLogLine line, bool endsStep)
    {
        string text = WorkflowCommands.Neutral(line.ToString());
        List<string> lines = [];
        lock (_gate)
        {
            if (_ended.Contains((build, line.Step)))
            {
                // A warning about a step that has ended, or a step that runs again.
                return [text];
            }

            if (_open is not null && !_open.Is(build, line.Step) && _kept + text.Length > MostKept)
            {
                Close(lines);
            }

            Group group = GroupOf(build, line, lines);
            if (group == _open)
            {
                lines.Add(text);
            }
            else
            {
                group.Lines.Add(text);
                _kept += text.Length;
            }

            group.HasEnded |= endsStep;
            if (endsStep)
            {
                _ended.Add((build, line.Step));
            }

            if (_open?.HasEnded == true)
            {
                Close(lines);
                Next(lines);
            }
        }

        return lines;
    }

    public IReadOnlyList<string> Warn(BuildWarning warning, string? file)
    {
        lock (_gate)
        {
            return [Annotation("warning", warning.Message, file ?? warning.File, warning.Line)];
        }
    }

    public IReadOnlyList<string> End(string? build, BuildOutcome outcome)
    {
        List<string> lines = [];
        lock (_gate)
        {
            // The steps of a failed build do not all end.
            foreach (Group group in _waiting.Where(g => g.Build == build))
            {
                group.HasEnded = true;
            }

            if (_open is { } open && (open.Build == build || _waiting.Exists(static g => g.HasEnded)))
            {
                Close(lines);
                if (open.Build != build)
                {
                    // Its group continues after those that are written now.
                    _waiting.Insert(0, open);
                }
            }

            Next(lines);
            _ended.RemoveWhere(e => e.Build == build);
            if (outcome.Error is { } error)
            {
                lines.Add(Annotation("error", error, outcome.File, outcome.Line));
            }

            lines.Add(WorkflowCommands.Neutral(outcome.Summary));
        }

        return lines;
    }

    private string Annotation(string type, string message, string? file, int? line) =>
        isAzure ? WorkflowCommands.Azure(type, message, file, line) : WorkflowCommands.GitHub(type, message, file, line);

    private Group GroupOf(string? build, BuildLogLine line, List<string> lines)
    {
        if (_open is not null && _open.Is(build, line.Step))
        {
            return _open;
        }

        Group? group = _waiting.Find(g => g.Is(build, line.Step));
        if (group is null)
        {
            string title = string.Create(CultureInfo.InvariantCulture, $"#{line.Step} {line.StepName}");
            group = new Group(build, line.Step, build is null ? title : $"{build}: {title}");
            if (_open is not null)
            {
                _waiting.Add(group);
            }
        }

        if (_open is null)
        {
            _waiting.Remove(group);
            Open(group, lines);
        }

        return group;
    }

    /// <summary>Writes the steps that have ended meanwhile, and continues with the first that runs.</summary>
    private void Next(List<string> lines)
    {
        foreach (Group ended in _waiting.FindAll(static g => g.HasEnded))
        {
            Open(ended, lines);
            Close(lines);
            _waiting.Remove(ended);
        }

        if (_open is null && _waiting.Count > 0)
        {
            Group first = _waiting[0];
            _waiting.RemoveAt(0);
            Open(first, lines);
        }
    }

    private void Open(Group group, List<string> lines)
    {
        lines.Add(isAzure ? $"##[group]{WorkflowCommands.Neutral(group.Title)}" : $"::group::{WorkflowCommands.GitHubData(group.Title)}");
        lines.AddRange(group.Lines);
        _kept -= group.Lines.Sum(static l => l.Length);
        group.Lines.Clear();
        _open = group;
    }

    private void Close(List<string> lines)
    {
        lines.Add(isAzure ? "##[endgroup]" : "::endgroup::");
        _open = null;
    }

    private sealed class Group(string? build, int step, string title)
    {
        public string? Build => build;

        public string Title => title;

        public List<string> Lines { get; } = [];

        public bool HasEnded { get; set; }

        public bool Is(string? otherBuild, int otherStep) => step == otherStep && build == otherBuild;
    }
}
