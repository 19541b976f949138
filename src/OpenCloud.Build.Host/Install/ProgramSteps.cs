using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Installs the programs of a release. They are staged under <c>PREFIX/bin</c>, on the same file system, in a folder only root can
/// enter, and then renamed. The replaced programs are kept under a second name, so there is always a program.
/// With asRoot the programs become root's; otherwise they are the caller's.
/// </summary>
internal sealed class ProgramSteps(string prefix, InstallationManifest? manifest, Action beforeExchange, bool asRoot = true)
{
    /// <summary>The programs that every release has; the others depend on the processor.</summary>
    public static readonly IReadOnlyList<string> Usual = ["buildctl", "buildkitd", "buildkit-runc"];

    private string Keep => Path.Combine(prefix, "bin", ".opencloud.build");

    private string Stage => Path.Combine(Keep, "stage");

    /// <summary>The folder of the previous release's programs.</summary>
    public string PreviousDirectory => Path.Combine(Keep, "previous");

    // The programs replaced by this run. They become the previous release only when the run succeeds; until then the existing one stays.
    private string ReplacedDirectory => Path.Combine(Keep, "replaced");

    private string ForeignDirectory => Path.Combine(Keep, "foreign");

    /// <summary>Whether all programs of a version are in place and unchanged, and from the archive with the given hash, if any.</summary>
    public bool AreInPlace(string version, string? archiveSha256)
        => manifest is not null && manifest.Version == version && manifest.Prefix == prefix &&
            (archiveSha256 is null || manifest.Integrity is null || string.Equals(archiveSha256.Trim(), manifest.Integrity.Sha256, StringComparison.OrdinalIgnoreCase)) &&
            manifest.Programs.All(program => FileHash.Of(Path.Combine(prefix, "bin", program.Key)) == program.Value);

    public IEnumerable<HostStep> Folders()
    {
        foreach (string folder in FileSteps.Missing(Path.Combine(prefix, "bin")))
        {
            yield return FileSteps.Folder(folder);
        }

        yield return FileSteps.Folder(Keep, FileModes.OwnerOnly, withContent: true) with
        {
            Do = _ =>
            {
                foreach (string folder in (string[])[Keep, PreviousDirectory, ReplacedDirectory, ForeignDirectory])
                {
                    Directory.CreateDirectory(folder, FileModes.OwnerOnly);
                }
            },
        };
    }

    public HostStep Fill(string origin, string action, Func<string, CancellationToken, Task> fill) => new(
        StepKind.File,
        origin,
        action,
        () => false,
        () => new DirectoryCreated(Stage, WithContent: true),
        cancellationToken =>
        {
            // A killed run may have left a partial stage.
            TreeRemoval.Remove(Stage);
            Directory.CreateDirectory(Stage, FileModes.OwnerOnly);
            fill(Stage, cancellationToken).GetAwaiter().GetResult();
        });

    public Task FillFromPrevious(string stage)
    {
        foreach ((string? name, string? sha256) in manifest!.Previous!.Programs)
        {
            // A program shared by both versions was not replaced and is still in place.
            string kept = Path.Combine(PreviousDirectory, name);
            if (FileHash.Of(kept) != sha256)
            {
                string place = Path.Combine(prefix, "bin", name);
                if (FileHash.Of(place) == sha256)
                {
                    File.Copy(place, Path.Combine(stage, name));
                    continue;
                }

                throw new HostException(HostErrorKind.Integrity, $"'{kept}' does not exist or was changed after the last update.", "Use Update-BuildKit -Version to install a specific version.", kept);
            }

            HardLink.Create(kept, Path.Combine(stage, name));
        }

        return Task.CompletedTask;
    }

    /// <summary>Replaces each program. When the stage is empty, lists the usual programs only.</summary>
    public IEnumerable<HostStep> Exchange()
    {
        string[] names = Directory.Exists(Stage) ? Directory.GetFiles(Stage).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal).ToArray() : [.. Usual];
        return names.Select(Exchange);
    }

    /// <summary>The steps of programs that are in place.</summary>
    public IEnumerable<HostStep> Present()
        => Programs.Keys.Order(StringComparer.Ordinal).Select(name => HostStep.Done(StepKind.File, Path.Combine(prefix, "bin", name), "Install the program"));

    /// <summary>The installed programs by name with their sha256; the staged ones after the stage is filled.</summary>
    public IReadOnlyDictionary<string, string> Programs { get; private set; } = manifest?.Programs ?? new Dictionary<string, string>();

    public void NoteStaged()
        => Programs = Directory.GetFiles(Stage).ToDictionary(path => Path.GetFileName(path)!, path => FileHash.Of(path)!, StringComparer.Ordinal);

    /// <summary>Removes the stage and returns the changes without it.</summary>
    public IEnumerable<HostChange> DropStage(IEnumerable<HostChange> changes)
    {
        TreeRemoval.Remove(Stage);

        return changes.Where(change => change.Target != Stage);
    }

    /// <summary>Makes the replaced programs the previous release, and returns the changes with the new paths.</summary>
    public IEnumerable<HostChange> KeepReplaced(IEnumerable<HostChange> changes)
    {
        if (Directory.Exists(ReplacedDirectory))
        {
            foreach (string replaced in Directory.GetFiles(ReplacedDirectory))
            {
                File.Move(replaced, Path.Combine(PreviousDirectory, Path.GetFileName(replaced)), overwrite: true);
            }
        }

        return changes.Select(change => change is FileWritten { Backup: { } backup } file && Path.GetDirectoryName(backup) == ReplacedDirectory
            ? file with { Backup = Path.Combine(PreviousDirectory, Path.GetFileName(backup)) }
            : change);
    }

    private HostStep Exchange(string name)
    {
        string staged = Path.Combine(Stage, name);
        string place = Path.Combine(prefix, "bin", name);
        string? sha256 = Programs.GetValueOrDefault(name);
        return new HostStep(
            StepKind.File,
            place,
            File.Exists(place) ? "Replace the program" : "Install the program",
            () => sha256 is not null && Directory.Exists(Stage) && FileHash.Of(place) == sha256,
            () =>
            {
                beforeExchange();
                string? before = FileHash.Of(place);
                string? backup = null;
                if (before is not null)
                {
                    // The previous release, for a rollback; or another program, to be restored when BuildKit is uninstalled.
                    bool ours = manifest?.Programs.GetValueOrDefault(name) == before;
                    backup = Path.Combine(ours ? ReplacedDirectory : ForeignDirectory, name);
                    Directory.CreateDirectory(Path.GetDirectoryName(backup)!, FileModes.OwnerOnly);
                    HardLink.Create(place, backup);
                }

                return new FileWritten(place, sha256!, backup, before);
            },
            _ =>
            {
                if (asRoot)
                {
                    FileStatus.Give(staged, 0, 0);
                }

                File.SetUnixFileMode(staged, FileModes.Executable);
                File.Move(staged, place, overwrite: true);
            });
    }
}
