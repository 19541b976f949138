namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>How a check ended.</summary>
public enum CheckState
{
    /// <summary>It is as it should be.</summary>
    Ok,

    /// <summary>Something to know that stops nothing.</summary>
    Warning,

    /// <summary>This is what is wrong, or a part of it.</summary>
    Failed,

    /// <summary>It could not be looked at, or makes no sense here.</summary>
    Unknown,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Name">What: "Path", "Directory /run", "Connection", …</param>
/// <param name="State">How it ended.</param>
/// <param name="Evidence">What was seen.</param>
/// <param name="Remedy">The one command that mends it; null when nothing is to be mended.</param>
public sealed record DiagnosisCheck(string Name, CheckState State, string Evidence, string? Remedy = null)
{
    /// <summary>The name of the checks that say what is known against BuildKit and containerd.</summary>
    public const string Advisories = "Advisories";

    /// <summary>The name of the check that says whether it is proven who answers.</summary>
    public const string Peer = "Peer";

    /// <summary>What.</summary>
    public string Name { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Name);

    /// <summary>How it ended.</summary>
    public CheckState State { get; init; } = State;

    /// <summary>What was seen; other processes and files have their say in it.</summary>
    public string Evidence { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Evidence);

    /// <summary>The one command that mends it; null when nothing is to be mended.</summary>
    public string? Remedy { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Remedy);

    /// <summary>Whether it deserves a warning though the engine is reached.</summary>
    public bool IsRisk => State == CheckState.Warning && Name is Advisories or Peer;
}

/// <summary>Whether somebody reaches an engine, and everything that was looked at on the way.</summary>
/// <param name="Address">The address.</param>
/// <param name="Principal">For whom.</param>
/// <param name="Reachable">Whether an engine answered.</param>
/// <param name="Version">The engine's version, when it answered and told.</param>
/// <param name="Story">What is wrong, in a sentence or two; what is right, when nothing is.</param>
/// <param name="Remedy">The one command that mends it; null when nothing is to be mended.</param>
/// <param name="Checks">Everything that was looked at.</param>
public sealed record SocketDiagnosis(
    string Address,
    string Principal,
    bool Reachable,
    string? Version,
    string Story,
    string? Remedy,
    IReadOnlyList<DiagnosisCheck> Checks)
{
    /// <summary>The address.</summary>
    public string Address { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Address);

    /// <summary>For whom.</summary>
    public string Principal { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Principal);

    /// <summary>Whether an engine answered.</summary>
    public bool Reachable { get; init; } = Reachable;

    /// <summary>The engine's version, when it answered and told.</summary>
    public string? Version { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Version);

    /// <summary>What is wrong, in a sentence or two; what is right, when nothing is.</summary>
    public string Story { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Story);

    /// <summary>The one command that mends it; null when nothing is to be mended.</summary>
    public string? Remedy { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Remedy);

    /// <summary>Everything that was looked at.</summary>
    public IReadOnlyList<DiagnosisCheck> Checks { get; init; } = Checks;
}
