using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>Reads the logs with denials of AppArmor and SELinux: the kernel's log, journald's audit lines, auditd's own file.</summary>
internal static class SecurityLog
{
    private const string AuditFile = "/var/log/audit/audit.log";

    // The end of auditd's file covers an hour on all but the busiest hosts, and is read at once.
    private const int AuditBytes = 4 << 20;

    private static readonly TimeSpan Reach = TimeSpan.FromHours(1);

    /// <summary>Looks for denials about a socket in the last hour, and adds the check.</summary>
    /// <returns>The last denial and its remedy; null when there is none, or none is visible.</returns>
    public static (string Story, string Remedy)? Check(string path, List<DiagnosisCheck> checks)
    {
        CommandResult journal = HostCommand.Run(
            "journalctl",
            ["--no-pager", "--quiet", "--output", "short-iso", "--since", "-1h", "--lines", "5000", "_TRANSPORT=kernel", "+", "_TRANSPORT=audit"]);
        string log = journal.ExitCode == 0 ? journal.Output : string.Empty;
        if (log.Length == 0)
        {
            // No journal, or one that the caller may not read.
            log = HostCommand.Run("dmesg", []) is { ExitCode: 0 } kernel ? kernel.Output : string.Empty;
        }

        string? audit = AuditTail();
        if (log.Length == 0 && audit is null && (Identity.Current().Uid != 0 || journal.ExitCode != 0))
        {
            checks.Add(new DiagnosisCheck("AppArmor and SELinux", CheckState.Unknown, "the kernel log and the audit log are not readable", "sudo journalctl --since -1h _TRANSPORT=kernel + _TRANSPORT=audit"));
            return null;
        }

        DateTimeOffset since = DateTimeOffset.UtcNow - Reach;
        SecurityDenial[] denials = SecurityDenials.Find($"{log}\n{audit}", path).Where(denial => denial.At is not { } at || at >= since).ToArray();
        if (denials.Length == 0)
        {
            checks.Add(new DiagnosisCheck("AppArmor and SELinux", CheckState.Ok, "no denial for an engine in the last hour"));
            return null;
        }

        SecurityDenial last = denials[^1];
        string remedy = last.IsSELinux ? "sudo ausearch --message AVC --start recent | audit2why" : "sudo aa-logprof";
        checks.Add(new DiagnosisCheck("AppArmor and SELinux", CheckState.Failed, $"denials in the last hour: {denials.Length}; the last: {last.Text}", remedy));
        return (last.Text, remedy);
    }

    private static string? AuditTail()
    {
        try
        {
            using FileStream file = new(AuditFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.Seek(-Math.Min(AuditBytes, file.Length), SeekOrigin.End);
            using StreamReader text = new(file);
            return text.ReadToEnd();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
