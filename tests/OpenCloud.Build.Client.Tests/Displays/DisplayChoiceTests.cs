using OpenCloud.Build.Screen;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Displays;

/// <summary>Where progress goes: by parameter, host, terminal and environment.</summary>
public sealed class DisplayChoiceTests
{
    private static readonly DisplayChoice Terminal = new() { IsTerminal = true };
    private static readonly DisplayChoice Pipe = new();

    [Fact]
    public void ATerminalHasTheScreen()
    {
        Assert.Equal(DisplayKind.Screen, Terminal.Choose());
        Assert.Equal(DisplayKind.Screen, (Terminal with { Asked = BuildProgressMode.Auto }).Choose());
        Assert.Equal(DisplayKind.None, (Terminal with { IsVerbose = true }).Choose());
        Assert.Equal(DisplayKind.None, (Terminal with { IsProgressOff = true }).Choose());
        Assert.Equal(DisplayKind.Plain, (Terminal with { IsPlainText = true }).Choose());
        Assert.Equal(DisplayKind.Plain, With(Terminal, ("TERM", "dumb")).Choose());
        Assert.Equal(DisplayKind.None, (Terminal with { IsMainRunspace = false }).Choose());
    }

    [Fact]
    public void WithoutATerminalTheLogGoesToTheInformationStream()
    {
        Assert.Equal(DisplayKind.Information, Pipe.Choose());
        Assert.Equal(DisplayKind.Plain, With(Pipe, ("CI", "true")).Choose());
        Assert.Equal(DisplayKind.Information, (With(Pipe, ("CI", "true")) with { IsVerbose = true }).Choose());
        Assert.Equal(DisplayKind.Plain, (Pipe with { Asked = BuildProgressMode.Plain }).Choose());
        Assert.Equal(DisplayKind.None, (Pipe with { Asked = BuildProgressMode.Quiet }).Choose());
    }

    [Theory]
    [InlineData("GITHUB_ACTIONS", DisplayKind.GitHub)]
    [InlineData("TF_BUILD", DisplayKind.AzurePipelines)]
    internal void ACiHostHasItsOwnLog(string variable, DisplayKind kind)
    {
        Assert.Equal(kind, With(Pipe, (variable, "True")).Choose());
        Assert.Equal(kind, (With(Pipe, (variable, "true")) with { Asked = BuildProgressMode.Plain }).Choose());
        Assert.Equal(DisplayKind.None, (With(Pipe, (variable, "true")) with { Asked = BuildProgressMode.Quiet }).Choose());
        Assert.Equal(DisplayKind.Information, With(Pipe, (variable, "false")).Choose());
    }

    [Theory]
    [InlineData("ServerRemoteHost")]
    [InlineData("Default Host")]
    public void JobsAndRemoteSessionsHaveNothing(string host)
    {
        Assert.Equal(DisplayKind.None, (Terminal with { Host = host }).Choose());
        Assert.Equal(DisplayKind.None, With(Pipe with { Host = host }, ("BUILDKIT_PROGRESS", "plain"), ("GITHUB_ACTIONS", "true")).Choose());
        Assert.Equal(DisplayKind.Plain, (Pipe with { Host = host, Asked = BuildProgressMode.Plain }).Choose());
    }

    [Fact]
    public void OtherHostsHavePowerShellsBars() => Assert.Equal(DisplayKind.Bars, (Pipe with { Host = "Visual Studio Code Host" }).Choose());

    [Theory]
    [InlineData("plain", DisplayKind.Plain)]
    [InlineData(" PLAIN ", DisplayKind.Plain)]
    [InlineData("quiet", DisplayKind.None)]
    [InlineData("none", DisplayKind.None)]
    [InlineData("tty", DisplayKind.Screen)]
    [InlineData("auto", DisplayKind.Screen)]
    [InlineData("", DisplayKind.Screen)]
    internal void TheEnvironmentSpeaksWhereTheParameterDoesNot(string value, DisplayKind kind)
    {
        DisplayChoice choice = With(Terminal, ("BUILDKIT_PROGRESS", value));
        Assert.Equal(kind, choice.Choose());
        Assert.Equal(DisplayKind.Screen, (choice with { Asked = BuildProgressMode.Auto }).Choose());
        Assert.Equal(DisplayKind.None, (choice with { Asked = BuildProgressMode.Quiet }).Choose());
    }

    private static DisplayChoice With(DisplayChoice choice, params (string Name, string Value)[] variables) =>
        choice with { Environment = name => variables.FirstOrDefault(v => v.Name == name).Value };
}
