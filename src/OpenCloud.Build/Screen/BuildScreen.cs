using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Screen;

/// <summary>The progress of builds on a terminal.</summary>
/// <param name="write">Writes to the terminal, control sequences included.</param>
/// <param name="size">The terminal's current columns and rows.</param>
/// <param name="theme">Characters and colors.</param>
internal sealed class BuildScreen(Action<string> write, Func<(int Width, int Height)> size, ScreenTheme theme) : ILiveDisplay
{
    private readonly ScreenPainter _painter = new();

    public void Paint(ProgressSnapshot snapshot)
    {
        (int width, int height) = size();
        Write(_painter.Paint(ScreenRenderer.Render(snapshot, width, height, theme), width));
    }

    public void Clear() => Write(_painter.Clear(size().Width));

    private void Write(string text)
    {
        if (text.Length > 0)
        {
            write(text);
        }
    }
}
