namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// How far ssh came with a login, by its own messages at the first level of detail (ssh(1), -v; OpenSSH, sshconnect.c, kex.c, sshconnect2.c).
/// Other messages than these are what it reports.
/// </summary>
internal static class SshProgress
{
    private const string Detail = "debug1: ";

    // The messages of -v that do not begin like the others.
    private static readonly string[] Unmarked = ["OpenSSH_", "Authenticated to ", "Transferred: sent ", "Bytes per second: sent "];

    /// <summary>A clause that says what the host has not done.</summary>
    public static string StalledAt(string errors)
    {
        bool Has(string message) => errors.Contains(Detail + message, StringComparison.Ordinal);
        return Has("Remote protocol version") || Has("Authenticating to") || Has("SSH2_MSG") || Has("Next authentication method")
            ? "answers as an SSH server, but did not complete the login"
            : Has("Connection established") ? "accepted the connection, but did not answer as an SSH server"
            : Has("Executing proxy command") ? "did not answer through the proxy of the configuration of ssh"
            : errors.Contains(Detail, StringComparison.Ordinal) ? "did not accept a connection"
            : "did not complete the login";
    }

    /// <summary>What ssh reports: its messages without the details.</summary>
    public static string Report(string errors) => errors.Contains(Detail, StringComparison.Ordinal)
        ? string.Join('\n', errors.Split('\n').Where(static line => !line.StartsWith(Detail, StringComparison.Ordinal) && !Array.Exists(Unmarked, start => line.StartsWith(start, StringComparison.Ordinal))))
        : errors;
}
