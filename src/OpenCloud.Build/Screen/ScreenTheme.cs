namespace OpenCloud.Build.Screen;

internal sealed record ScreenTheme(bool HasColor, bool IsUnicode)
{
    public const string Bold = "1";
    public const string Dim = "2";
    public const string Red = "31";
    public const string Green = "32";
    public const string Cyan = "36";

    public string Ellipsis => IsUnicode ? "…" : "~";

    public string LogMark => IsUnicode ? "│" : "|";

    public char BarDone => IsUnicode ? '━' : '=';

    public char BarLeft => IsUnicode ? '─' : '-';

    public string Mark(StepState state) => (state, IsUnicode) switch
    {
        (StepState.Running, true) => "▸",
        (StepState.Running, false) => ">",
        (StepState.Failed, true) => "✗",
        (StepState.Failed, false) => "x",
        (StepState.Cancelled, true) => "○",
        (StepState.Cancelled, false) => "o",
        (_, true) => "✓",
        (_, false) => "+",
    };

    public static string ColorOf(StepState state) => state switch
    {
        StepState.Running => Cyan,
        StepState.Done => Green,
        StepState.Failed => Red,
        _ => Dim,
    };

    public string Paint(string text, string color) => HasColor && text.Length > 0 ? $"\u001b[{color}m{text}\u001b[0m" : text;
}
