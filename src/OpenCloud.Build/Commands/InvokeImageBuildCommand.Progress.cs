using System.Management.Automation;
using System.Management.Automation.Runspaces;
using OpenCloud.Build.Pipeline;
using OpenCloud.Build.Screen;

namespace OpenCloud.Build.Commands;

public sealed partial class InvokeImageBuildCommand
{
    private const int Utf8 = 65001;

    private BuildReporting? _reporting;

    /// <summary>How progress is reported.</summary>
    [Parameter]
    public BuildProgressMode Progress { get; set; } = BuildProgressMode.Auto;

    private BuildReporting Reporting => _reporting ??= Report(Choose());

    private static bool IsColorOff => !string.IsNullOrEmpty(System.Environment.GetEnvironmentVariable("NO_COLOR"));

    // With this rendering, which NO_COLOR also sets, PowerShell removes all control sequences from what the host writes.
    private bool IsPlainText => GetVariableValue("PSStyle") is { } style
        && string.Equals(PSObject.AsPSObject(style).Properties["OutputRendering"]?.Value?.ToString(), "PlainText", StringComparison.Ordinal);

    private protected override ILiveDisplay? CreateDisplay() => Reporting.Kind switch
    {
        DisplayKind.Bars => null,
        DisplayKind.Screen => new BuildScreen(IsPlainText ? Console.Out.Write : Host.UI.Write, Size, Reporting.Theme),
        _ => new NoDisplay(),
    };

    private static bool HasTerminal()
    {
        try
        {
            return !Console.IsOutputRedirected && Console.WindowWidth > 0;
        }
        catch (Exception exception) when (exception is IOException or PlatformNotSupportedException)
        {
            return false;
        }
    }

    private DisplayKind Choose() => new DisplayChoice
    {
        Asked = MyInvocation.BoundParameters.ContainsKey(nameof(Progress)) ? Progress : null,
        Host = Host.Name,
        IsMainRunspace = Runspace.DefaultRunspace?.Id == 1,
        IsTerminal = HasTerminal() && Host.UI.SupportsVirtualTerminal,
        IsPlainText = IsPlainText && !IsColorOff,
        IsVerbose = IsVerbose,
        IsProgressOff = GetVariableValue("ProgressPreference")?.ToString() is "SilentlyContinue" or "Ignore",
        Environment = System.Environment.GetEnvironmentVariable,
    }.Choose();

    private BuildReporting Report(DisplayKind kind) =>
        new(kind, new ScreenTheme(kind == DisplayKind.Screen && !IsColorOff, Console.OutputEncoding.CodePage == Utf8), ThrottleLimit > 1 && !Daemonless);

    private (int Width, int Height) Size()
    {
        System.Management.Automation.Host.Size size = Host.UI.RawUI.WindowSize;
        return (size.Width, size.Height);
    }

    /// <summary>For a log in place of a display.</summary>
    private sealed class NoDisplay : ILiveDisplay
    {
        public void Paint(ProgressSnapshot snapshot)
        {
        }

        public void Clear()
        {
        }
    }
}
