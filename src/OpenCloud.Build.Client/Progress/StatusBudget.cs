using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// What the account of one build may hold in memory. An engine tells as much as it likes, for hours; what goes past a bound is cut or left out
/// here, and is in the log all the same.
/// </summary>
internal sealed class StatusBudget
{
    /// <summary>The steps of a build.</summary>
    public const int MostSteps = 100_000;

    /// <summary>The parts of all steps that have a progress of their own.</summary>
    public const int MostStatuses = 100_000;

    /// <summary>The characters of a step's digest, which is its key.</summary>
    public const int LongestDigest = 512;

    /// <summary>The characters of a name, of a short warning, and of a line that a step's tail keeps.</summary>
    public const int LongestName = 4096;

    /// <summary>The characters of an error or of a warning's details.</summary>
    public const int LongestError = 64 * 1024;

    /// <summary>The characters of a line without an end, after which it is taken for one.</summary>
    public const int LongestLine = 8 * 1024 * 1024;

    private const long MostText = 32 * 1024 * 1024;
    private const long MostUnfinished = 16 * 1024 * 1024;
    private const long MostTails = 32 * 1024 * 1024;

    private long _text;
    private long _unfinished;
    private long _tails;

    /// <summary>The parts of all steps so far.</summary>
    public int Statuses { get; set; }

    /// <summary>Whether the tails of all steps hold more than they may.</summary>
    public bool HasLongTails => _tails > MostTails;

    /// <summary>Takes a text in, cut to what is left.</summary>
    public string Take(string text, int longest)
    {
        string taken = TerminalText.Bounded(text, (int)Math.Min(longest, MostText - _text));
        _text = Math.Min(MostText, _text + taken.Length);
        return taken;
    }

    /// <summary>Counts the characters of lines that have no end yet; false when they are too many.</summary>
    public bool AddUnfinished(int count) => (_unfinished += count) <= MostUnfinished;

    /// <summary>Counts the characters that the tails of steps hold.</summary>
    public void AddTail(int count) => _tails += count;
}
