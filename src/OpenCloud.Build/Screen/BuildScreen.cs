using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Screen;

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
