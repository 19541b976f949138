using System.Text.Json;
using System.Text.Json.Serialization;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// What a run has changed so far, on disk before each change is made. A run that ends well turns it into the manifest; one that
/// fails takes everything back; one that is killed leaves it, and the next run takes it up with all it knows of the host before.
/// </summary>
internal sealed class ChangeJournal
{
    /// <summary>Where this module keeps what it knows about the host.</summary>
    public const string StateDirectory = "/var/lib/opencloud.build";

    private const string JournalName = "journal.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly string _directory;
    private readonly List<HostChange> _changes;

    private ChangeJournal(string directory, List<HostChange> changes)
    {
        _directory = directory;
        _changes = changes;
    }

    /// <summary>What was changed, oldest first.</summary>
    public IReadOnlyList<HostChange> Changes => _changes;

    /// <summary>Whether an earlier run was cut off.</summary>
    public static bool IsInterrupted => IsInterruptedIn(StateDirectory);

    /// <summary>Whether an earlier run was cut off, of an installation that keeps its state elsewhere.</summary>
    public static bool IsInterruptedIn(string directory) => File.Exists(Path.Combine(directory, JournalName));

    /// <summary>Begins, or takes up what an interrupted run left. Nothing is written before the first change.</summary>
    /// <param name="directory">Where it is kept.</param>
    public static ChangeJournal Open(string directory = StateDirectory)
    {
        string path = Path.Combine(directory, JournalName);
        return new ChangeJournal(directory, RecordFile.TryReadText(path) is { } text ? Parse(text, path) : []);
    }

    /// <summary>Reads a journal's text.</summary>
    /// <exception cref="HostException">It is no journal.</exception>
    internal static List<HostChange> Parse(string text, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<List<HostChange>>(text, Json) ?? [];
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new HostException(HostErrorKind.Conflict, $"'{path}' cannot be read: {error.Message}", "It tells what a run that was cut off had changed. Look at it, take that back, and move it away.", path, error);
        }
    }

    /// <summary>One for a run that only plans: it has nothing to take up, and must not take anything back.</summary>
    public static ChangeJournal Empty() => new(StateDirectory, []);

    /// <summary>Writes a change down; it is on disk when this returns.</summary>
    public void Append(HostChange change)
    {
        _changes.Add(change);
        EnsureState(_directory);
        Save();
    }

    /// <summary>Takes everything back, newest first, and forgets it. Goes on past trouble.</summary>
    /// <returns>What could not be taken back or was left alone; empty when the host is as it was.</returns>
    public IReadOnlyList<string> RollBack(Action<string> verbose)
    {
        List<string> left = new();
        List<HostChange> failed = new();
        for (int i = _changes.Count - 1; i >= 0; i--)
        {
            HostChange change = _changes[i];
            verbose($"Taking back: {change.GetType().Name} {change.Target}");
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

        // What could not be taken back is not forgotten: the next run takes it up.
        _changes.Clear();
        _changes.AddRange(failed);
        Save();
        left.Add($"'{Path.Combine(_directory, JournalName)}' keeps what is left; running it again goes on from there.");
        return left;
    }

    /// <summary>Takes back what a run that was cut off left, where nothing else is installed.</summary>
    /// <returns>What was left alone.</returns>
    /// <exception cref="HostException">Not all could be taken back; the journal keeps what is left.</exception>
    public static IReadOnlyList<string> TakeBack(string directory, Action<string> verbose)
    {
        ChangeJournal journal = Open(directory);
        IReadOnlyList<string> left = journal.RollBack(verbose);
        return journal.Changes.Count == 0
            ? left
            : throw new HostException(HostErrorKind.CommandFailed, $"Not all of what an interrupted run had done could be taken back: {string.Join("; ", left)}", "Mend that and run it again: it goes on with what is left.", directory);
    }

    /// <summary>Forgets the journal: its changes are the manifest's now, or were taken back.</summary>
    public void Close()
    {
        _changes.Clear();
        string path = Path.Combine(_directory, JournalName);
        WholeFile.Remove(path);
        RemoveStateIfEmpty(_directory);
    }

    /// <summary>Makes the folder of the module's state.</summary>
    public static void EnsureState(string directory = StateDirectory)
        => Directory.CreateDirectory(
            directory,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
            UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

    /// <summary>Removes the folder of the module's state when nothing is in it.</summary>
    public static void RemoveStateIfEmpty(string directory = StateDirectory)
    {
        TreeRemoval.RemoveIfEmpty(directory);
    }

    private void Save()
        => WholeFile.Write(Path.Combine(_directory, JournalName), JsonSerializer.Serialize(_changes, Json), UnixFileMode.UserRead | UnixFileMode.UserWrite);
}
