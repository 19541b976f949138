using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>The decisions made before anything is changed, whatever the engine's layout. Options has the kept settings in an update.</summary>
internal sealed record InstallPlan(InstallOptions Options, InstallationManifest? Manifest, BuildKitVersion Version)
{
    /// <summary>The present installation; null when there is none, or when only changes that an uninstallation keeps are left.</summary>
    public InstallationManifest? Installed => Manifest is { IsInstalled: true } ? Manifest : null;

    /// <summary>Chooses the version: the requested one, else the newest known one, or the installed one when that is newer.</summary>
    /// <exception cref="HostException">The version is too old.</exception>
    public static InstallPlan Of(InstallOptions options, InstallationManifest? manifest)
    {
        BuildKitVersion? installed = manifest is { IsInstalled: true } ? BuildKitVersion.Parse(manifest.Version) : null;
        BuildKitVersion version = options.Rollback ? BuildKitVersion.Parse(manifest!.Previous!.Version)
            : options.Version ?? (installed is not null && installed > KnownReleases.Default ? installed : KnownReleases.Default);
        return version < BuildKitVersion.Lowest
            ? throw new HostException(HostErrorKind.InvalidInput, $"{version} is older than {BuildKitVersion.Lowest}, the oldest version that this module supports.", $"Use -Version {KnownReleases.Default}.")
            : new InstallPlan(options, manifest, version);
    }
}
