using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>The PowerShell of this machine and the module as it was built, inside a host: the cmdlets as a user runs them.</summary>
internal static class HostPowerShell
{
    private const string Program = "/ocb/pwsh/pwsh";

    /// <summary>The arguments that bring both into a host; skips the test where there is no PowerShell, or no built module.</summary>
    public static string[] Bind()
    {
        var found = Environment.GetEnvironmentVariable("PATH")?.Split(':')
            .Select(folder => new FileInfo(Path.Combine(folder, "pwsh")))
            .FirstOrDefault(file => file.Exists);
        Assert.SkipWhen(found is null, "no pwsh on PATH");
        var module = Path.Combine(RepositoryPaths.Root, "bin/OpenCloud.Build/OpenCloud.Build.dll");
        Assert.SkipUnless(File.Exists(module), $"the module is not built: there is no {module}");
        var program = found!.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? found.FullName;
        return [$"--bind-ro={Path.GetDirectoryName(program)}:/ocb/pwsh", $"--bind-ro={RepositoryPaths.Root}:/ocb/module"];
    }

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
            env --default-signal=INT,QUIT script -qefc '{{Program}} -NoProfile -NonInteractive -File {{script}}' /dev/null < /tmp/keys > /tmp/terminal 2>&1 &
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
}
