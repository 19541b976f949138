using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Memory limits for the state of one build. An engine may report any amount, for hours; what exceeds a limit is cut or omitted here, but is
/// still in the log.
/// </summary>
internal sealed class StatusBudget
{
    public const int MostSteps = 100_000;

    /// <summary>The largest number of step parts with their own progress, in all steps.</summary>
    public const int MostStatuses = 100_000;

    /// <summary>The longest digest of a step, in characters.</summary>
    public const int LongestDigest = 512;

    /// <summary>The longest name, short warning, or line in a step's tail, in characters.</summary>
    public const int LongestName = 4096;

    /// <summary>The longest error or warning detail, in characters.</summary>
    public const int LongestError = 64 * 1024;

    /// <summary>The longest line in characters; a longer one is split.</summary>
    public const int LongestLine = 8 * 1024 * 1024;

    private const int MostInputs = 1_000_000;
    private const long MostText = 32 * 1024 * 1024;
    private const long MostUnfinished = 16 * 1024 * 1024;
    private const long MostTails = 32 * 1024 * 1024;

    private int _inputs;
    private long _text;
    private long _unfinished;
    private long _tails;

    public int Statuses { get; set; }

    public bool HasLongTails => _tails > MostTails;

    /// <summary>Accepts a text, cut to the remaining budget.</summary>
    public string Take(string text, int longest)
    {
        string taken = TerminalText.Bounded(text, (int)Math.Min(longest, MostText - _text));
        _text = Math.Min(MostText, _text + taken.Length);
        return taken;
    }

    /// <summary>Accepts the digests of a step's inputs; none when they exceed the limit.</summary>
    public string[] TakeInputs(IReadOnlyCollection<string> digests)
    {
        if (digests.Count > MostInputs - _inputs || digests.Any(static d => d.Length > LongestDigest))
        {
            return [];
        }

        _inputs += digests.Count;
        return [.. digests];
    }

    /// <summary>Counts the characters of unfinished lines; false when they exceed the limit.</summary>
    public bool AddUnfinished(int count) => (_unfinished += count) <= MostUnfinished;

    public void AddTail(int count) => _tails += count;
}
