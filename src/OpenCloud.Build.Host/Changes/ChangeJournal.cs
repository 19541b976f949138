using System.Text.Json;
using System.Text.Json.Serialization;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// The changes of a run, written to disk before each change is made. A successful run turns the journal into the manifest; a failed
/// run undoes everything; a killed run leaves the journal, and the next run continues it with all its records of the earlier host.
/// </summary>
internal sealed class ChangeJournal
{
    /// <summary>The folder of this module's records about the host.</summary>
    public const string StateDirectory = "/var/lib/opencloud.build";

    private const string JournalName = "journal.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    // Null for a plan: the journal on disk is not its own.
    private readonly string? _directory;
    private readonly List<HostChange> _changes;

    private ChangeJournal(string? directory, List<HostChange> changes)
    {
        _directory = directory;
        _changes = changes;
    }

    public IReadOnlyList<HostChange> Changes => _changes;

    public static bool IsInterrupted => IsInterruptedIn(StateDirectory);

    /// <summary>Whether an earlier run was interrupted, for an installation with another state folder.</summary>
    public static bool IsInterruptedIn(string directory) => File.Exists(Path.Combine(directory, JournalName));

    /// <summary>Opens a new journal, or the one that an interrupted run left. Nothing is written before the first change.</summary>
    public static ChangeJournal Open(string directory = StateDirectory)
    {
        string path = Path.Combine(directory, JournalName);
        return new ChangeJournal(directory, RecordFile.TryReadText(path) is { } text ? Parse(text, path) : []);
    }

    /// <summary>Parses a journal's text.</summary>
    /// <exception cref="HostException">The text is not a journal.</exception>
    internal static List<HostChange> Parse(string text, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<List<HostChange>>(text, Json) ?? [];
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new HostException(HostErrorKind.Conflict, $"'{path}' cannot be read: {error.Message}", "Inspect the file: it records the changes of an interrupted run. Revert them and remove the file.", path, error);
        }
    }

    /// <summary>An empty journal for a planning run, which continues no earlier run and must not undo anything.</summary>
    public static ChangeJournal Empty() => new(null, []);

    /// <summary>Records a change; the record is on disk when this returns.</summary>
    public void Append(HostChange change)
    {
        _changes.Add(change);
        EnsureState(_directory!);
        Save();
    }

    /// <summary>Undoes all changes, newest first, and clears the journal. Continues after errors.</summary>
    /// <returns>The changes that could not be undone or were left alone; empty when the host is as before.</returns>
    public IReadOnlyList<string> RollBack(Action<string> verbose)
    {
        List<string> left = new();
        List<HostChange> failed = new();
        for (int i = _changes.Count - 1; i >= 0; i--)
        {
            HostChange change = _changes[i];
            verbose($"Reverting: {change.GetType().Name} {change.Target}");
            try
            {
                change.Undo(left.Add);
            }
            catch (Exception error) when (error is HostException or IOException or UnauthorizedAccessException)
            {
                left.Add($"{change.Target}: {error.Message}");
                failed.Insert(0, change);
            }
        }

        if (failed.Count == 0)
        {
            Close();
            return left;
        }

        // Changes that could not be undone stay recorded for the next run.
        _changes.Clear();
        _changes.AddRange(failed);
        Save();
        left.Add($"'{Path.Combine(_directory!, JournalName)}' records the remaining changes; running the command again continues.");
        return left;
    }

    /// <summary>Undoes the changes of an interrupted run where nothing else is installed.</summary>
    /// <returns>The changes that were left alone.</returns>
    /// <exception cref="HostException">Some changes could not be undone; the journal keeps them.</exception>
    public static IReadOnlyList<string> UndoInterrupted(string directory, Action<string> verbose)
    {
        ChangeJournal journal = Open(directory);
        IReadOnlyList<string> left = journal.RollBack(verbose);
        return journal.Changes.Count == 0
            ? left
            : throw new HostException(HostErrorKind.CommandFailed, $"Not all changes of an interrupted run could be reverted: {string.Join("; ", left)}", "Fix the cause and run the command again: it continues with the remaining changes.", directory);
    }

    /// <summary>Deletes the journal: its changes are now in the manifest, or were undone.</summary>
    public void Close()
    {
        _changes.Clear();
        if (_directory is not null)
        {
            WholeFile.Remove(Path.Combine(_directory, JournalName));
            RemoveStateIfEmpty(_directory);
        }
    }

    public static void EnsureState(string directory = StateDirectory)
        => Directory.CreateDirectory(directory, FileModes.Executable);

    public static void RemoveStateIfEmpty(string directory = StateDirectory) => TreeRemoval.RemoveIfEmpty(directory);

    private void Save()
        => WholeFile.Write(Path.Combine(_directory!, JournalName), JsonSerializer.Serialize(_changes, Json), FileModes.OwnerFile);
}
