using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>The PowerShell of this machine and the module as it was built, inside a host: the cmdlets as a user runs them.</summary>
internal static class HostPowerShell
{
    private const string Folder = "/ocb/pwsh";

    private static readonly Lazy<string> Home = new(FindHome);

    private static string Dotnet => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    /// <summary>The arguments that bring both into a host; without a PowerShell, or the module built, the test fails.</summary>
    public static string[] Bind()
    {
        string module = Path.Combine(RepositoryPaths.Root, "bin/OpenCloud.Build/OpenCloud.Build.dll");
        Assert.True(File.Exists(module), $"the module is not built: there is no {module}");
        return [$"--bind-ro={Home.Value}:{Folder}", $"--bind-ro={RepositoryPaths.Root}:/ocb/module"];
    }

    /// <summary>The command that starts, inside a host, the PowerShell of a folder: one from an archive has its runtime beside it, a .NET tool needs .NET's host.</summary>
    public static string CommandOf(string home)
        => File.Exists(Path.Combine(home, "libcoreclr.so")) ? $"{Folder}/pwsh" : $"{Dotnet} {Folder}/pwsh.dll";

    /// <summary>The script with the module imported, as a file of the host.</summary>
    /// <returns>Its path inside the host.</returns>
    public static string Script(SystemdHost host, string name, string text)
    {
        File.WriteAllText(Path.Combine(host.Share, name), $"$ProgressPreference = 'SilentlyContinue'\nImport-Module /ocb/module/OpenCloud.Build.psd1\n{text}\n");
        return $"/ocb/share/{name}";
    }

    /// <summary>Runs a script at a terminal, and presses Ctrl+C there, impatiently, once a text is seen.</summary>
    /// <param name="host">The host.</param>
    /// <param name="script">The script, inside the host.</param>
    /// <param name="when">A shell command that succeeds once it is time.</param>
    /// <returns>What the terminal showed.</returns>
    public static string InterruptAt(SystemdHost host, string script, string when)
        => host.Shell(
            $$"""
            mkdir -p /tmp/home; export HOME=/tmp/home TERM=dumb POWERSHELL_TELEMETRY_OPTOUT=1 POWERSHELL_UPDATECHECK=Off
            rm -f /tmp/keys /tmp/terminal; mkfifo /tmp/keys; : > /tmp/terminal
            # A shell starts what runs beside it with SIGINT ignored, and that would be inherited.
            env --default-signal=INT,QUIT script -qefc '{{CommandOf(Home.Value)}} -NoProfile -NonInteractive -File {{script}}' /dev/null < /tmp/keys > /tmp/terminal 2>&1 &
            session=$!; deadline=$(($(date +%s) + 120))
            exec 9> /tmp/keys
            until {{when}}; do
              kill -0 $session && [ "$(date +%s)" -lt "$deadline" ] || { cat /tmp/terminal; kill $session; exit 9; }
              sleep 0.02
            done
            for press in 1 2 3; do printf '\003' 2>/dev/null >&9 || break; sleep 0.3; done
            wait $session || true
            exec 9>&-
            cat /tmp/terminal
            rm -f /tmp/keys /tmp/terminal
            """);

    /// <summary>Asks PowerShell for its folder: that of PATH if it is new enough, else the tool that the repository pins.</summary>
    private static string FindHome()
    {
        bool onPath = Environment.GetEnvironmentVariable("PATH")?.Split(':').Any(static folder => File.Exists(Path.Combine(folder, "pwsh"))) == true;
        if (onPath && Ask("pwsh") is { ExitCode: 0 } found)
        {
            return found.Output.Trim();
        }

        (int code, string? output, string? error) = Ask(Dotnet, "tool", "run", "pwsh", "--");
        Assert.True(code == 0, $"no PowerShell 7.6 on PATH, nor as a tool ('dotnet tool restore'): {output}{error}");
        return output.Trim();
    }

    private static CommandResult Ask(string program, params string[] arguments)
        => Command.Run(new ProcessStartInfo(
            program,
            [.. arguments, "-NoProfile", "-NonInteractive", "-Command", "if ($PSVersionTable.PSVersion -lt [version]'7.6') { exit 1 }; $PSHOME"])
        {
            WorkingDirectory = RepositoryPaths.Root,
            Environment = { ["NO_COLOR"] = "1", ["POWERSHELL_TELEMETRY_OPTOUT"] = "1", ["POWERSHELL_UPDATECHECK"] = "Off" },
        });
}
