using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Stages the programs: BuildKit's archive, and RootlessKit's where a rootless installation brings it. Both are verified and unpacked into one
/// stage. For a rollback the stage holds the programs that the last update replaced.
/// </summary>
internal sealed class ArchiveSteps
{
    private readonly InstallRun _run;
    private readonly EngineLayout _layout;
    private readonly ProgramSteps _programs;
    private readonly HttpClient? _client;
    private readonly RootlessOptions? _kitOptions;

    public ArchiveSteps(InstallRun run, EngineLayout layout, ProgramSteps programs, HttpClient? client)
    {
        _run = run;
        _layout = layout;
        _programs = programs;
        _client = client;
        _kitOptions = run.Options.Rootless is { BringsRootlessKit: true } kit ? kit : null;
        InstallationManifest? manifest = layout.Plan.Manifest;
        RootlessKitIntegrity = manifest?.Rootless?.RootlessKitIntegrity;
        RootlessKitPrograms = manifest?.Rootless?.RootlessKitPrograms ?? new Dictionary<string, string>();
        InPlace = !run.Options.Rollback && programs.AreInPlace(layout.Plan.Version.ToString(), run.Options.Sha256) && (_kitOptions is null || RootlessKitIsInPlace(_kitOptions));
        Integrity = run.Options.Rollback ? manifest!.Previous!.Integrity : InPlace ? manifest!.Integrity : null;
    }

    /// <summary>Whether all requested programs are in place and unchanged.</summary>
    public bool InPlace { get; }

    /// <summary>How BuildKit's archive was verified; null before verification.</summary>
    public IntegrityResult? Integrity { get; private set; }

    /// <summary>How RootlessKit's archive was verified; null when RootlessKit comes from a package.</summary>
    public IntegrityResult? RootlessKitIntegrity { get; private set; }

    public IReadOnlyDictionary<string, string> RootlessKitPrograms { get; private set; }

    /// <summary>Fetches or reads the archives, verifies and unpacks them; returns whether programs must be replaced.</summary>
    public bool Stage()
    {
        BuildKitVersion version = _layout.Plan.Version;
        if (InPlace)
        {
            return false;
        }

        if (_run.Options.Rollback)
        {
            return Fill(_programs.Fill(_programs.PreviousDirectory, $"Restore BuildKit {version} from", (stage, _) => TakePrevious(stage)));
        }

        using HttpClient? owned = _client is null ? ReleaseDownload.CreateClient() : null;
        ReleaseAcquisition release = new(_run.Options, version, ReleaseAcquisition.SourceOf(_run.Options, version), _layout.Downloads, _run.Observer, _client ?? owned!);
        RootlessKitAcquisition? kit = _kitOptions is null ? null : new(_kitOptions, _layout.Downloads, _run.Observer, _client ?? owned!);
        release.CheckSource();
        kit?.CheckSource();
        return Fill(_programs.Fill(
            release.Origin,
            $"Verify and unpack BuildKit {version}{(kit is null ? string.Empty : $" and RootlessKit ({kit.Origin})")} from",
            async (stage, cancellationToken) =>
            {
                (Integrity, _) = await release.UnpackAsync(stage, cancellationToken).ConfigureAwait(false);
                if (kit is not null)
                {
                    (RootlessKitIntegrity, IReadOnlyList<string> names) = await kit.UnpackAsync(stage, cancellationToken).ConfigureAwait(false);
                    _layout.CheckRootlessKit(Path.Combine(stage, "rootlesskit"), kit.Origin);
                    RootlessKitPrograms = names.ToDictionary(name => name, name => FileHash.Of(Path.Combine(stage, name))!, StringComparer.Ordinal);
                }
            }));
    }

    private bool Fill(HostStep fill)
    {
        _run.Runner.Run(_programs.Folders());
        if (!_run.Runner.Run(fill))
        {
            return false;
        }

        _programs.NoteStaged();
        return true;
    }

    private async Task TakePrevious(string stage)
    {
        await _programs.FillFromPrevious(stage).ConfigureAwait(false);

        // A RootlessKit replaced in between is rolled back as well; the recorded proof of its archive does not apply to those programs.
        Dictionary<string, string> kit = RootlessKitPrograms.ToDictionary(program => program.Key, program => FileHash.Of(Path.Combine(stage, program.Key)) ?? program.Value, StringComparer.Ordinal);
        if (kit.Any(program => RootlessKitPrograms[program.Key] != program.Value))
        {
            (RootlessKitPrograms, RootlessKitIntegrity) = (kit, null);
        }
    }

    private bool RootlessKitIsInPlace(RootlessOptions options)
    {
        if (RootlessKitPrograms.Count == 0 || RootlessKitIntegrity is not { } known)
        {
            return false;
        }

        string? wanted = options.RootlessKitSha256?.Trim().ToLowerInvariant() ?? (options.RootlessKitArchivePath is { } path ? FileHash.Of(path) : null);
        return (wanted is null || wanted == known.Sha256) &&
            RootlessKitPrograms.All(program => FileHash.Of(Path.Combine(_layout.Prefix, "bin", program.Key)) == program.Value);
    }
}
