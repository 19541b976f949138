using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>What is known against the engine that answers and, for the machine's own, against its containerd.</summary>
internal static class AdvisoryChecks
{
    /// <summary>Looks.</summary>
    /// <param name="path">The socket.</param>
    /// <param name="version">The version that the engine told; null when it told none.</param>
    /// <param name="checks">Takes what was found.</param>
    public static void Run(string path, string? version, List<DiagnosisCheck> checks)
    {
        var ours = path == HostTexts.SocketPath;
        if (version is { Length: > 0 })
        {
            Add($"BuildKit {version}", BuildKitInstallation.TryKnownAgainst(version), ours ? RootLine.Of("Update-BuildKit") : null);
        }

        if (ours && ContainerdPresence.Look() is { Version: not null } containerd)
        {
            var remedy = containerd.KnownAgainst.Count == 0 ? null
                : containerd.NewerPackage() is not null ? RootLine.Of("Update-BuildKit")
                : containerd.FromPackage is { } package ? $"sudo apt-get update && sudo apt-get install --only-upgrade {package.Name}"
                : null;
            Add($"containerd {containerd.Description}", containerd.KnownAgainst, remedy);
        }

        void Add(string what, IReadOnlyList<string> known, string? remedy)
            => checks.Add(known.Count == 0
                ? new DiagnosisCheck("Advisories", CheckState.Ok, $"{what}: none known")
                : new DiagnosisCheck("Advisories", CheckState.Warning, $"{what}: {string.Join("; ", known)}", remedy));
    }
}
