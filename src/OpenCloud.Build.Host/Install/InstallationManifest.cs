using System.Text.Json;
using System.Text.Json.Serialization;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Rootless;

namespace OpenCloud.Build.Host.Install;

/// <summary>What is installed, and every change that was made for it with what it takes to undo it.</summary>
internal sealed record InstallationManifest
{
    /// <summary>Where it is kept.</summary>
    public const string Path = ChangeJournal.StateDirectory + "/" + FileName;

    /// <summary>Its name, wherever an installation keeps its state.</summary>
    public const string FileName = "installation.json";

    /// <summary>The version of an installation that was removed, of which something stays.</summary>
    public const string Removed = "removed";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Whether BuildKit is installed: false when only what an uninstallation keeps is left.</summary>
    [JsonIgnore]
    public bool IsInstalled => Version != Removed;

    /// <summary>The form of this file.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>The version.</summary>
    public required string Version { get; init; }

    /// <summary>Where its programs are.</summary>
    public required string Prefix { get; init; }

    /// <summary>Who runs the containers of a build.</summary>
    public required BuildKitWorker Worker { get; init; }

    /// <summary>Whether it has no network.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Isolated { get; init; }

    /// <summary>The port of AF_VSOCK at which it is reached as well; null when there is none.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>The containerd namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>The group that may use it.</summary>
    public required string Group { get; init; }

    /// <summary>What only a rootless installation has; null for one that runs as root.</summary>
    public RootlessFacts? Rootless { get; init; }

    /// <summary>When it was installed or last changed.</summary>
    public DateTimeOffset InstalledAt { get; init; }

    /// <summary>How the archive was proven.</summary>
    public Releases.IntegrityResult? Integrity { get; init; }

    /// <summary>The programs by name, with their sha256.</summary>
    public required IReadOnlyDictionary<string, string> Programs { get; init; }

    /// <summary>The version the last update replaced and its programs, which are kept for a rollback; null when there is none.</summary>
    public PreviousRelease? Previous { get; init; }

    /// <summary>Every change, oldest first.</summary>
    public required IReadOnlyList<HostChange> Changes { get; init; }

    /// <summary>Reads it; null when nothing was installed by this module.</summary>
    /// <param name="directory">Where it is kept.</param>
    /// <exception cref="HostException">The file cannot be read.</exception>
    public static InstallationManifest? Load(string directory = ChangeJournal.StateDirectory)
    {
        string path = System.IO.Path.Combine(directory, FileName);
        try
        {
            return RecordFile.TryReadText(path) is { } text ? Parse(text, path) : null;
        }
        catch (UnauthorizedAccessException error)
        {
            throw new HostException(HostErrorKind.NotRoot, $"'{path}' can be read by root only.", "Run it as root.", path, error);
        }
    }

    /// <summary>Reads a manifest's text.</summary>
    /// <exception cref="HostException">It is no manifest.</exception>
    internal static InstallationManifest? Parse(string text, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<InstallationManifest>(text, Json);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new HostException(HostErrorKind.Conflict, $"'{path}' cannot be read: {error.Message}", $"Look at the file; without it this module does not know what it installed.", path, error);
        }
    }

    /// <summary>Writes it.</summary>
    /// <param name="directory">Where it is kept.</param>
    public void Save(string directory = ChangeJournal.StateDirectory)
    {
        ChangeJournal.EnsureState(directory);

        // For everybody to read: it tells what is installed and holds no secret.
        WholeFile.Write(
            System.IO.Path.Combine(directory, FileName),
            JsonSerializer.Serialize(this, Json),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>
    /// What is kept for a rollback once other programs are in place: the release that is here now. Where the same ones are to be
    /// in place again, nothing is replaced, and what was kept stays.
    /// </summary>
    /// <param name="programs">The programs that are to be in place, with their sha256.</param>
    public PreviousRelease? PreviousAfter(IReadOnlyDictionary<string, string> programs)
        => !IsInstalled || programs.All(program => Programs.GetValueOrDefault(program.Key) == program.Value)
            ? Previous
            : new PreviousRelease(Version, Programs, Integrity);

    /// <summary>Old changes and new ones, one record for each target.</summary>
    public static IReadOnlyList<HostChange> Merge(IEnumerable<HostChange> old, IEnumerable<HostChange> added)
    {
        List<HostChange> all = new(old);
        foreach (HostChange? change in added.Where(change => change is not (ServiceRestored or RootlessUnitRestored)))
        {
            int at = all.FindIndex(known => known.GetType() == change.GetType() && known.Target == change.Target);
            if (at < 0)
            {
                all.Add(change);
            }
            else
            {
                all[at] = all[at].Merge(change);
            }
        }

        return all;
    }
}

/// <summary>The release an update replaced.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Programs">Its programs by name, with their sha256.</param>
/// <param name="Integrity">How its archive was proven; null when that was not written down.</param>
internal sealed record PreviousRelease(string Version, IReadOnlyDictionary<string, string> Programs, Releases.IntegrityResult? Integrity = null);
