using System.Text.Json;
using System.Text.Json.Serialization;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;

namespace OpenCloud.Build.Host.Installations;

/// <summary>The installed state, and every change made for it with the data needed to undo it.</summary>
internal sealed record InstallationManifest
{
    public const string Path = ChangeJournal.StateDirectory + "/" + FileName;

    /// <summary>The file's name in the state directory of any installation.</summary>
    public const string FileName = "installation.json";

    /// <summary>The version value of a removed installation of which some changes are kept.</summary>
    public const string Removed = "removed";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Whether BuildKit is installed: false when only changes that an uninstallation keeps are left.</summary>
    [JsonIgnore]
    public bool IsInstalled => Version != Removed;

    /// <summary>The schema version of this file.</summary>
    public int Schema { get; init; } = 1;

    public required string Version { get; init; }

    public required string Prefix { get; init; }

    public required BuildKitWorker Worker { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Isolated { get; init; }

    /// <summary>The AF_VSOCK port of the engine; null when there is none.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>The IP address and port on which the engine listens with mutual TLS; null when there is none.</summary>
    public string? ListenTcp { get; init; }

    /// <summary>The directory of the certificates of <see cref="ListenTcp"/>.</summary>
    public string? CertificateDirectory { get; init; }

    public required string Namespace { get; init; }

    public required string Group { get; init; }

    /// <summary>The facts of a rootless installation; null for one that runs as root.</summary>
    public RootlessFacts? Rootless { get; init; }

    /// <summary>The time of the installation or its last change.</summary>
    public DateTimeOffset InstalledAt { get; init; }

    /// <summary>How the archive was verified.</summary>
    public Releases.IntegrityResult? Integrity { get; init; }

    /// <summary>The programs by name, with their sha256.</summary>
    public required IReadOnlyDictionary<string, string> Programs { get; init; }

    /// <summary>The version and programs that the last update replaced, kept for a rollback; null when there are none.</summary>
    public PreviousRelease? Previous { get; init; }

    /// <summary>Every change, oldest first.</summary>
    public required IReadOnlyList<HostChange> Changes { get; init; }

    /// <summary>The paths of a rootless installation.</summary>
    public RootlessPaths RootlessPaths(bool asRoot)
        => new(new UserAccount(Rootless!.User, Rootless.Uid, Rootless.Uid, Rootless.Home, string.Empty), asRoot, Prefix, Rootless.State, Rootless.SystemUnit);

    /// <summary>Reads the manifest; null when this module installed nothing.</summary>
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
            throw new HostException(HostErrorKind.NotRoot, $"Only root can read '{path}'.", "Run the command as root.", path, error);
        }
    }

    /// <exception cref="HostException">The text is not a manifest.</exception>
    internal static InstallationManifest? Parse(string text, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<InstallationManifest>(text, Json);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new HostException(HostErrorKind.Conflict, $"'{path}' cannot be read: {error.Message}", $"Inspect the file; the module records in it what it installed.", path, error);
        }
    }

    public void Save(string directory = ChangeJournal.StateDirectory)
    {
        ChangeJournal.EnsureState(directory);

        // Readable by everybody: it describes the installation and contains no secret.
        WholeFile.Write(System.IO.Path.Combine(directory, FileName), JsonSerializer.Serialize(this, Json), FileModes.Readable);
    }

    /// <summary>
    /// The release kept for a rollback after the given programs (with their sha256) are in place: the currently installed release. When
    /// the same programs are installed again, nothing is replaced, and the kept release stays.
    /// </summary>
    public PreviousRelease? PreviousAfter(IReadOnlyDictionary<string, string> programs)
        => !IsInstalled || programs.All(program => Programs.GetValueOrDefault(program.Key) == program.Value)
            ? Previous
            : new PreviousRelease(Version, Programs, Integrity);

    /// <summary>Merges old and new changes into one record per target.</summary>
    public static IReadOnlyList<HostChange> Merge(IEnumerable<HostChange> old, IEnumerable<HostChange> added)
    {
        List<HostChange> all = new(old);
        foreach (HostChange? change in added.Where(change => change is not UnitRestored))
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

/// <summary>The release that an update replaced. Integrity is null when it was not recorded.</summary>
internal sealed record PreviousRelease(string Version, IReadOnlyDictionary<string, string> Programs, Releases.IntegrityResult? Integrity = null);
