using System.Diagnostics;
using OpenCloud.Build.Host.Commands;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Commands;

public sealed class RootLineTests
{
    private const string Tool = "/home/me/.dotnet/tools/.store/powershell/7.6.9/powershell/7.6.9/tools/net10.0/any/unix/pwsh.dll";

    [Fact]
    public void A_tool_is_started_by_its_dotnet()
        => Assert.Equal(
            ["/usr/share/dotnet/dotnet", Tool],
            PowerShellProgram.Find("/usr/share/dotnet/dotnet", Tool, "/usr/share/dotnet/shared/Microsoft.NETCore.App/10.0.1/System.Private.CoreLib.dll", _ => true));

    [Fact]
    public void An_executable_without_a_runtime_beside_it_is_started_by_the_dotnet_it_found()
        => Assert.Equal(
            ["/opt/dotnet/dotnet", "/opt/tool/pwsh.dll"],
            PowerShellProgram.Find("/opt/tool/pwsh", "/opt/tool/pwsh.dll", "/opt/dotnet/shared/Microsoft.NETCore.App/10.0.1/System.Private.CoreLib.dll", _ => true));

    [Fact]
    public void An_executable_with_its_runtime_is_started_itself()
        => Assert.Equal(
            ["/opt/microsoft/powershell/7/pwsh"],
            PowerShellProgram.Find("/opt/microsoft/powershell/7/pwsh", "/opt/microsoft/powershell/7/pwsh.dll", "/opt/microsoft/powershell/7/System.Private.CoreLib.dll", _ => true));

    [Fact]
    public void Another_program_names_the_shell()
        => Assert.Equal(["pwsh"], PowerShellProgram.Find("/usr/bin/dotnet", "/app/service.dll", "/usr/share/dotnet/shared/Microsoft.NETCore.App/10.0.1/System.Private.CoreLib.dll", _ => true));

    [Theory]
    [InlineData("/m/bin/OpenCloud.Build/OpenCloud.Build.Host.dll", "/m/OpenCloud.Build.psd1")]
    [InlineData("/m/bin/OpenCloud.Build/x64/OpenCloud.Build.Host.dll", "/m/OpenCloud.Build.psd1")]
    [InlineData("/m/bin/Release/net10.0/OpenCloud.Build.Host.dll", null)]
    public void The_manifest_is_found_from_the_assembly(string assembly, string? manifest)
        => Assert.Equal(manifest, PowerShellProgram.FindManifest(assembly, _ => true));

    [Fact]
    public void A_line_reads_well()
        => Assert.Equal(
            "sudo /opt/pwsh -NoProfile -Command \"Import-Module /m/OpenCloud.Build.psd1; Grant-BuildKitAccess -User ubuntu,me -Restart -Confirm:\\$false\"",
            RootLine.Of(["/opt/pwsh"], "/m/OpenCloud.Build.psd1", [], "Grant-BuildKitAccess", [("User", new[] { "ubuntu", "me" }), ("Service", null), ("Restart", true), ("Confirm", false)]));

    [Fact]
    public void A_shell_reads_what_is_meant()
    {
        string line = RootLine.Of(
            ["/o p't/dotnet", "/o p't/pwsh.dll"],
            "/m [1]/it's/OpenCloud.Build.psd1",
            ["http_proxy"],
            "Install-BuildKit",
            [("Prefix", "/a \"b\" $HOME `id` \\x ’"), ("Group", "-x"), ("Version", "0.32.2"), ("VsockPort", 8088u), ("ConnectTimeout", TimeSpan.FromMilliseconds(1500))]);
        string[] expected =
        [
            "--preserve-env=http_proxy", "/o p't/dotnet", "/o p't/pwsh.dll", "-NoProfile", "-Command",
            "Import-Module '/m `[1`]/it''s/OpenCloud.Build.psd1'; Install-BuildKit -Prefix '/a \"b\" $HOME `id` \\x ’’' -Group '-x' -Version '0.32.2' -VsockPort '8088' -ConnectTimeout '1.5s'",
        ];
        Assert.Equal(expected, WordsOf(line));
        Assert.Equal("A -B 'history!'", WordsOf(RootLine.Of(["p"], null, [], "A", [("B", "history!")]))[^1]);
    }

    [Theory]
    [InlineData("https://me:secret@mirror.test/x")]
    [InlineData("https://secret@mirror.test/x")]
    [InlineData("https://mirror.test/x?sig=secret")]
    [InlineData("tcp://me:secret@machine:1234")]
    [InlineData("secret\nsecret")]
    public void What_may_be_secret_is_asked_for(string value)
    {
        foreach (object given in Uri.TryCreate(value, UriKind.Absolute, out Uri? uri) ? [value, uri] : new object[] { value })
        {
            string line = RootLine.Of(["p"], null, [], "A", [("B", given), ("C", "c")]);
            Assert.Equal("A -B (Read-Host -Prompt B) -C c", WordsOf(line)[^1]);
        }
    }

    [Theory]
    [InlineData("https://mirror.test/buildkit/v0.32.2/")]
    [InlineData("ssh://me@machine")]
    [InlineData("vsock+unix:///srv/vm.sock:8088")]
    public void An_address_without_one_is_repeated(string value)
        => Assert.Equal($"A -B {Quoted(value)}", WordsOf(RootLine.Of(["p"], null, [], "A", [("B", value)]))[^1]);

    private static string Quoted(string value) => value.Contains('@', StringComparison.Ordinal) || value.Contains('+', StringComparison.Ordinal) ? $"'{value}'" : value;

    // What a shell hands to sudo.
    private static string[] WordsOf(string line)
    {
        ProcessStartInfo start = new("/bin/sh") { RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("sudo() { printf '%s\\0' \"$@\"; }\n" + line);
        using Process shell = Process.Start(start)!;
        string output = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        return output.Split('\0')[..^1];
    }
}
