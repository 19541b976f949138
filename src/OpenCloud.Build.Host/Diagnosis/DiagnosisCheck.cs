namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>One check of a diagnosis.</summary>
public sealed record DiagnosisCheck(string Name, CheckState State, string Evidence, string? Remedy = null)
{
    /// <summary>The name of the checks that report known vulnerabilities of BuildKit and containerd.</summary>
    public const string Advisories = "Advisories";

    /// <summary>The name of the check that reports whether the identity of the answering engine is proven.</summary>
    public const string Peer = "Peer";

    /// <summary>The name of the check of the client's certificate, for an engine with TLS.</summary>
    public const string ClientCertificate = "Client certificate";

    /// <summary>The name of the check of the engine's certificate, for an engine with TLS.</summary>
    public const string ServerCertificate = "Server certificate";

    /// <summary>The name of the check of a pod that does not answer, while another pod of the deployment does.</summary>
    public const string OtherPod = "Other pod";

    /// <summary>The checked object.</summary>
    public string Name { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Name);

    /// <summary>The result.</summary>
    public CheckState State { get; init; } = State;

    /// <summary>The observed facts; they may contain text from other processes and files.</summary>
    public string Evidence { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Evidence);

    /// <summary>The one command that fixes it; null when there is nothing to fix.</summary>
    public string? Remedy { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Remedy);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {State}";

    /// <summary>Whether it deserves a warning even though the engine is reachable.</summary>
    public bool IsRisk => State == CheckState.Warning && Name is Advisories or Peer or ServerCertificate or ClientCertificate or OtherPod;
}

/// <summary>Whether a principal reaches an engine, with all checks on the way.</summary>
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

    /// <summary>The principal that connects.</summary>
    public string Principal { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Principal);

    /// <summary>Whether an engine answered.</summary>
    public bool Reachable { get; init; } = Reachable;

    /// <summary>The engine's version; null when it did not answer or report one.</summary>
    public string? Version { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Version);

    /// <summary>The problem in a sentence or two; the good state when there is none.</summary>
    public string Story { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Story);

    /// <summary>The one command that fixes it; null when there is nothing to fix.</summary>
    public string? Remedy { get; init => field = Accounts.AccountDatabase.PrintableLines(value); } = Accounts.AccountDatabase.PrintableLines(Remedy);

    /// <summary>All checks.</summary>
    public IReadOnlyList<DiagnosisCheck> Checks { get; init => field = TextList<DiagnosisCheck>.Of(value); } = TextList<DiagnosisCheck>.Of(Checks);
}
