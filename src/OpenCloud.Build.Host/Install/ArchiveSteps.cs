using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// The archives of a rootless installation: BuildKit's, and RootlessKit's unless the distribution's package is used. Both are
/// verified and unpacked into one stage. For a rollback the stage holds the programs that the last update replaced.
/// </summary>
internal sealed class ArchiveSteps(RootlessOptions options, RootlessPlan plan, ProgramSteps programs, IHostObserver observer, HttpClient? client)
{
    /// <summary>How BuildKit's archive was verified; null before verification.</summary>
    public IntegrityResult? Integrity { get; private set; } = options.Release.Rollback ? plan.Manifest!.Previous!.Integrity : null;

    /// <summary>How RootlessKit's archive was verified; null when RootlessKit comes from a package.</summary>
    public IntegrityResult? RootlessKitIntegrity { get; private set; } = plan.Manifest?.Rootless?.RootlessKitIntegrity;

    public IReadOnlyDictionary<string, string> RootlessKitPrograms { get; private set; } = plan.Manifest?.Rootless?.RootlessKitPrograms ?? new Dictionary<string, string>();

    /// <summary>Whether all requested programs are in place and unchanged.</summary>
    public bool InPlace => !options.Release.Rollback && programs.AreInPlace(plan.Version.ToString(), options.Release.Sha256) && (!options.BringsRootlessKit || RootlessKitIsInPlace());

    /// <summary>Fetches or reads the archives, verifies and unpacks them; returns whether programs must be replaced.</summary>
    public bool Stage(StepRunner runner, CancellationToken cancellationToken)
    {
        if (InPlace)
        {
            Integrity = plan.Manifest!.Integrity;
            return false;
        }

        if (options.Release.Rollback)
        {
            return Fill(runner, programs.Fill(programs.PreviousDirectory, $"Download BuildKit {plan.Version} from", inPlace: false, (stage, _) => TakeBack(stage)), cancellationToken);
        }

        using HttpClient? owned = client is null ? ReleaseDownload.CreateClient() : null;
        ReleaseAcquisition acquisition = new(options.Release, plan.Version, InstallOptions.HostArchitecture, observer, client ?? owned!) { Downloads = plan.Layout.Downloads };
        acquisition.CheckSource();
        RootlessKitAcquisition? kit = options.BringsRootlessKit ? new RootlessKitAcquisition(options, plan.Layout.Downloads, observer, client ?? owned!) : null;
        kit?.CheckSource();
        HostStep fill = programs.Fill(
            acquisition.Origin,
            $"Verify and unpack BuildKit {plan.Version}{(kit is null ? string.Empty : $" and RootlessKit ({kit.Origin})")} from",
            inPlace: false,
            async (stage, stop) =>
            {
                Integrity = await acquisition.UnpackAsync(stage, stop).ConfigureAwait(false);
                if (kit is not null)
                {
                    (RootlessKitIntegrity, IReadOnlyList<string>? names) = await kit.UnpackAsync(stage, stop).ConfigureAwait(false);
                    if (plan.Network == RootlessNetwork.Pasta && !RootlessNetwork.KnownBy(new HostView(), Path.Combine(stage, "rootlesskit")))
                    {
                        throw new HostException(
                            HostErrorKind.RootlessBlocked,
                            $"The rootlesskit of {kit.Origin} does not support pasta (2.0 or later does), and slirp4netns is not installed.",
                            "Use release 2.0 or later, or: sudo apt-get install --no-install-recommends slirp4netns",
                            kit.Origin);
                    }

                    RootlessKitPrograms = names.ToDictionary(name => name, name => FileHash.Of(Path.Combine(stage, name))!, StringComparer.Ordinal);
                }
            });
        return Fill(runner, fill, cancellationToken);
    }

    private bool Fill(StepRunner runner, HostStep fill, CancellationToken cancellationToken)
    {
        foreach (HostStep step in programs.Folders())
        {
            runner.Run(step, cancellationToken);
        }

        if (!runner.Run(fill, cancellationToken))
        {
            return false;
        }

        programs.NoteStaged();
        return true;
    }

    private async Task TakeBack(string stage)
    {
        await programs.FillFromPrevious(stage).ConfigureAwait(false);

        // A RootlessKit replaced in between is rolled back as well; the recorded proof of its archive does not apply to those programs.
        Dictionary<string, string> kit = RootlessKitPrograms.ToDictionary(program => program.Key, program => FileHash.Of(Path.Combine(stage, program.Key)) ?? program.Value, StringComparer.Ordinal);
        if (kit.Any(program => RootlessKitPrograms[program.Key] != program.Value))
        {
            (RootlessKitPrograms, RootlessKitIntegrity) = (kit, null);
        }
    }

    private bool RootlessKitIsInPlace()
    {
        if (plan.Manifest?.Rootless is not { RootlessKitPrograms.Count: > 0, RootlessKitIntegrity: { } known } facts)
        {
            return false;
        }

        string? wanted = options.RootlessKitSha256?.Trim().ToLowerInvariant() ?? (options.RootlessKitArchivePath is { } path ? FileHash.Of(path) : null);
        return (wanted is null || wanted == known.Sha256) &&
            facts.RootlessKitPrograms.All(program => FileHash.Of(Path.Combine(plan.Layout.Prefix, "bin", program.Key)) == program.Value);
    }
}
