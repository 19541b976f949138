using System.Globalization;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Screen;

/// <summary>
/// Renders a snapshot as the lines of a screen: the steps that ended last, the running steps with their transfers or their last lines. A pure
/// function of the snapshot, the size and the theme.
/// </summary>
internal static class ScreenRenderer
{
    public const int LogLines = 6;

    private const int MostRows = 24;
    private const int MostColumns = 200;
    private const int LeastColumns = 20;
    private const int MostParts = 4;
    private const int LeastEnded = 3;

    /// <summary>Lines are shorter than the terminal's width, so that none wraps; renders nothing when the terminal is too narrow.</summary>
    public static IReadOnlyList<string> Render(ProgressSnapshot snapshot, int width, int height, ScreenTheme theme)
    {
        if (width <= LeastColumns)
        {
            return [];
        }

        int columns = Math.Min(width - 1, MostColumns);
        int rows = Math.Clamp(height - 1, 1, MostRows);
        Canvas canvas = new(columns, theme);
        if (snapshot.Parts.Count > 0)
        {
            RenderMany(snapshot, rows, canvas);
        }
        else
        {
            RenderOne(snapshot, rows, canvas, isPart: false);
        }

        return canvas.Lines;
    }

    private static void RenderMany(ProgressSnapshot snapshot, int rows, Canvas canvas)
    {
        canvas.Row(string.Empty, Line(snapshot.Activity), [Line(snapshot.Status)], ScreenTheme.Bold);
        int left = rows - 1;
        int shown = snapshot.Parts.Count <= left ? snapshot.Parts.Count : Math.Max(left - 1, 0);
        for (int i = 0; i < shown; i++)
        {
            // Rows that one build does not need go to the next.
            int share = Math.Max(1, (left - (shown < snapshot.Parts.Count ? 1 : 0)) / (shown - i));
            left -= RenderOne(snapshot.Parts[i], share, canvas, isPart: true);
        }

        if (shown < snapshot.Parts.Count && left > 0)
        {
            canvas.Row("  ", More(snapshot.Parts.Count - shown, "builds"), [], ScreenTheme.Dim);
        }
    }

    private static int RenderOne(ProgressSnapshot snapshot, int rows, Canvas canvas, bool isPart)
    {
        int before = canvas.Lines.Count;
        string style = isPart ? ScreenTheme.Cyan : ScreenTheme.Bold;
        if (snapshot is not BuildView view)
        {
            canvas.Row(string.Empty, Line(snapshot.Activity), [Line(snapshot.Status)], style);
            return canvas.Lines.Count - before;
        }

        string time = Amounts.Running(view.Elapsed);
        string done = string.Create(CultureInfo.InvariantCulture, $"{view.Done}/{view.Total}");
        string cached = view.Cached > 0 ? string.Create(CultureInfo.InvariantCulture, $", {view.Cached} cached") : string.Empty;
        canvas.Row(string.Empty, isPart ? Line(view.Name) : $"Building {Line(view.Name)}", [$"{done} steps{cached}  {time}", $"{done}  {time}"], style);
        Steps(view, rows - 1, canvas, isPart);
        return canvas.Lines.Count - before;
    }

    private static void Steps(BuildView view, int rows, Canvas canvas, bool isPart)
    {
        List<StepView> running = [.. view.Started.Where(static s => s.State == StepState.Running)];
        List<StepView> ended = isPart ? [] : [.. view.Started.Where(static s => s.State != StepState.Running)];
        int titles = running.Count <= rows ? running.Count : Math.Max(rows - 1, 0);
        int left = rows - Math.Min(running.Count, rows);
        int keptEnded = Math.Min(Math.Min(ended.Count, LeastEnded), left / 3);
        left -= keptEnded;

        List<List<string>> details = [];
        foreach (StepView step in running.Take(titles))
        {
            List<string> lines = Details(step, Math.Min(left, LogLines), canvas);
            left -= lines.Count;
            details.Add(lines);
        }

        foreach (StepView step in ended.TakeLast(keptEnded + left))
        {
            string outcome = step.State switch
            {
                StepState.Cached => "cached",
                StepState.Cancelled => "canceled",
                _ => Amounts.Time(step.Time),
            };
            canvas.Step(step, outcome);
        }

        for (int i = 0; i < titles; i++)
        {
            canvas.Step(running[i], Amounts.Running(running[i].Time));
            canvas.Add(details[i]);
        }

        if (titles < running.Count && rows > 0)
        {
            canvas.Row("  ", More(running.Count - titles, "running"), [], ScreenTheme.Dim);
        }
    }

    private static List<string> Details(StepView step, int rows, Canvas canvas)
    {
        List<string> lines = [];
        if (step.Parts.Count > 0)
        {
            int shown = step.Parts.Count <= Math.Min(rows, MostParts) ? step.Parts.Count : Math.Max(Math.Min(rows, MostParts) - 1, 0);
            foreach (PartView part in step.Parts.Take(shown))
            {
                lines.Add(canvas.Part(Line(part.Id), part.Current, part.Total));
            }

            if (shown < step.Parts.Count && rows > 0)
            {
                List<PartView> rest = [.. step.Parts.Skip(shown)];
                lines.Add(canvas.Part(More(rest.Count, "transfers"), Sum(rest, static p => Math.Min(p.Current, p.Total > 0 ? p.Total : p.Current)), Sum(rest, static p => p.Total)));
            }

            return lines;
        }

        foreach (string line in step.Log.TakeLast(rows))
        {
            lines.Add(canvas.Log(Line(line)));
        }

        return lines;
    }

    // Saturating: the engine chooses the sizes.
    private static long Sum(List<PartView> parts, Func<PartView, long> of) => (long)Math.Min(parts.Sum(p => (double)of(p)), long.MaxValue / 2);

    private static string More(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"and {count} more {what}");

    private static string Line(string text) => TerminalText.Line(text).Replace("\t", "    ", StringComparison.Ordinal);

    private sealed class Canvas(int columns, ScreenTheme theme)
    {
        private const string Indent = "     ";
        private const int LeastForBar = 50;
        private const int AmountWidth = 18;

        private readonly List<string> _lines = [];

        public IReadOnlyList<string> Lines => _lines;

        public void Add(IEnumerable<string> lines) => _lines.AddRange(lines);

        /// <summary>Adds a text at the left, and the longest of the texts in <c>right</c> that fits.</summary>
        public void Row(string indent, string text, IReadOnlyList<string> right, string style)
        {
            string end = right.FirstOrDefault(r => TextWidth.Of(text) + TextWidth.Of(r) + indent.Length + 2 <= columns) ?? right.LastOrDefault() ?? string.Empty;
            end = TextWidth.Cut(end, columns / 2, theme.Ellipsis);
            int room = columns - indent.Length - (end.Length > 0 ? TextWidth.Of(end) + 2 : 0);
            string shown = TextWidth.Cut(text, room, theme.Ellipsis);
            string gap = end.Length > 0 ? new string(' ', columns - indent.Length - TextWidth.Of(shown) - TextWidth.Of(end)) : string.Empty;
            _lines.Add(indent + theme.Paint(shown, style) + gap + end);
        }

        public void Step(StepView step, string outcome)
        {
            string color = ScreenTheme.ColorOf(step.State);
            string mark = theme.Mark(step.State);
            string number = string.Create(CultureInfo.InvariantCulture, $"#{step.Number}");
            int room = columns - 4 - number.Length - outcome.Length - 2;
            string name = TextWidth.Cut(Line(step.Name), Math.Max(room, 1), theme.Ellipsis);
            string gap = new(' ', Math.Max(1, columns - 4 - number.Length - TextWidth.Of(name) - outcome.Length));
            bool isDim = step.State is StepState.Cached or StepState.Cancelled;
            string text = $"{number} {name}";
            _lines.Add($" {theme.Paint(mark, color)} {(isDim ? theme.Paint(text, ScreenTheme.Dim) : text)}{gap}{theme.Paint(outcome, isDim ? ScreenTheme.Dim : color)}");
        }

        public string Part(string id, long current, long total)
        {
            string amount = columns < LeastForBar / 2 ? string.Empty : total > 0 ? Amounts.Bytes(Math.Min(current, total), total) : current > 0 ? Amounts.Bytes(current) : string.Empty;
            string bar = total > 0 && columns >= LeastForBar ? Bar(current, total, columns < 100 ? 16 : 30) : string.Empty;
            amount = bar.Length > 0 ? amount.PadLeft(AmountWidth) : amount;
            string end = bar.Length > 0 ? $"{theme.Paint(bar[..Filled(bar)], ScreenTheme.Green)}{theme.Paint(bar[Filled(bar)..], ScreenTheme.Dim)}  {amount}" : amount;
            int endWidth = bar.Length + (bar.Length > 0 ? 2 : 0) + amount.Length;
            string shown = TextWidth.Cut(id, Math.Max(columns - Indent.Length - endWidth - 2, 0), theme.Ellipsis);
            return Indent + shown + new string(' ', Math.Max(1, columns - Indent.Length - TextWidth.Of(shown) - endWidth)) + end;
        }

        public string Log(string line) =>
            Indent + theme.Paint($"{theme.LogMark} {TextWidth.Cut(line, columns - Indent.Length - 2, theme.Ellipsis)}", ScreenTheme.Dim);

        private int Filled(string bar) => bar.LastIndexOf(theme.BarDone) + 1;

        private string Bar(long current, long total, int width)
        {
            int done = (int)Math.Clamp((double)current / total * width, 0, width);
            return new string(theme.BarDone, done) + new string(theme.BarLeft, width - done);
        }
    }
}
