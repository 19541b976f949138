using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>Reports known vulnerabilities of the engine that answers and, for the machine's own engine, of its containerd.</summary>
internal static class AdvisoryChecks
{
    /// <summary>Runs the checks for a socket. When version is null, the version installed for the socket counts.</summary>
    public static void Run(string path, string? version, List<DiagnosisCheck> checks)
    {
        bool ours = path == SystemPaths.SocketPath;
        if ((string.IsNullOrEmpty(version) ? Installed(path) : version) is { } told)
        {
            version = told;
            Add($"BuildKit {version}", BuildKitInstallation.VulnerabilitiesOf(version), ours ? RootLine.Of("Update-BuildKit") : null);
        }

        if (ours && ContainerdPresence.Detect() is { Version: not null } containerd)
        {
            string? remedy = containerd.Vulnerabilities.Count == 0 ? null
                : containerd.FromPackage is not null ? RootLine.Of("Update-BuildKit")
                : null;
            Add($"containerd {containerd.Description}", containerd.Vulnerabilities, remedy);
        }

        static string? Installed(string path)
        {
            try
            {
                InstallationManifest? manifest = path == SystemPaths.SocketPath ? InstallationManifest.Load()
                    : RootlessDiagnosis.OwnerOf(path) is { } owner ? RootlessInstallations.OfUser(owner.Name)?.Manifest
                    : null;
                return manifest is { IsInstalled: true } ? manifest.Version : null;
            }
            catch (HostException)
            {
                // Unreadable or damaged: only the version in the engine's answer is known.
                return null;
            }
        }

        void Add(string what, IReadOnlyList<string> known, string? remedy)
            => checks.Add(known.Count == 0
                ? new DiagnosisCheck(DiagnosisCheck.Advisories, CheckState.Ok, $"{what}: none known")
                : new DiagnosisCheck(DiagnosisCheck.Advisories, CheckState.Warning, $"{what}: {string.Join("; ", known)}", remedy));
    }
}
