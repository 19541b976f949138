using System.Text.Json;
using System.Text.Json.Serialization;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// What a run has changed so far, on disk before each change is made. A run that ends well turns it into the manifest; one that
/// fails takes everything back; one that is killed leaves it, and the next run takes it up with all it knows of the host before.
/// </summary>
internal sealed class ChangeJournal
{
    /// <summary>Where this module keeps what it knows about the host.</summary>
    public const string StateDirectory = "/var/lib/opencloud.build";

    private const string JournalPath = StateDirectory + "/journal.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly List<HostChange> _changes;

    private ChangeJournal(List<HostChange> changes)
    {
        _changes = changes;
    }

    /// <summary>What was changed, oldest first.</summary>
    public IReadOnlyList<HostChange> Changes => _changes;

    /// <summary>Whether an earlier run was cut off.</summary>
    public static bool IsInterrupted => File.Exists(JournalPath);

    /// <summary>Begins, or takes up what an interrupted run left. Nothing is written before the first change.</summary>
    public static ChangeJournal Open()
        => new(File.Exists(JournalPath) ? JsonSerializer.Deserialize<List<HostChange>>(File.ReadAllText(JournalPath), Json) ?? [] : []);

    /// <summary>One for a run that only plans: it has nothing to take up, and must not take anything back.</summary>
    public static ChangeJournal Empty() => new([]);

    /// <summary>Writes a change down; it is on disk when this returns.</summary>
    public void Append(HostChange change)
    {
        _changes.Add(change);
        EnsureState();
        Save();
    }

    /// <summary>Takes everything back, newest first, and forgets it. Goes on past trouble.</summary>
    /// <returns>What could not be taken back or was left alone; empty when the host is as it was.</returns>
    public IReadOnlyList<string> RollBack(Action<string> verbose)
    {
        var left = new List<string>();
        for (var i = _changes.Count - 1; i >= 0; i--)
        {
            var change = _changes[i];
            verbose($"Taking back: {change.GetType().Name} {change.Target}");
            try
            {
                change.Undo(left.Add);
            }
            catch (Exception error) when (error is HostException or IOException or UnauthorizedAccessException)
            {
                left.Add($"{change.Target}: {error.Message}");
            }
        }

        Close();
        return left;
    }

    /// <summary>Forgets the journal: its changes are the manifest's now, or were taken back.</summary>
    public void Close()
    {
        _changes.Clear();
        if (File.Exists(JournalPath))
        {
            File.Delete(JournalPath);
        }

        RemoveStateIfEmpty();
    }

    /// <summary>Makes the folder of the module's state.</summary>
    public static void EnsureState()
        => Directory.CreateDirectory(
            StateDirectory,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
            UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

    /// <summary>Removes the folder of the module's state when nothing is in it.</summary>
    public static void RemoveStateIfEmpty()
    {
        if (Directory.Exists(StateDirectory) && !Directory.EnumerateFileSystemEntries(StateDirectory).Any())
        {
            Directory.Delete(StateDirectory);
        }
    }

    private void Save()
        => AtomicFile.Write(JournalPath, JsonSerializer.Serialize(_changes, Json), UnixFileMode.UserRead | UnixFileMode.UserWrite);
}
