using System.Globalization;

namespace OpenCloud.Build.Linux;

/// <summary>What is known of who answers on a socket.</summary>
internal enum PeerTrust
{
    /// <summary>It is root or the owner of the socket's folder; or the socket is not one of the system's, where whoever named it knows whose it is.</summary>
    Trusted,

    /// <summary>The kernel names nobody who exists here: who it is lives in another user namespace.</summary>
    Unproven,

    /// <summary>It is somebody else, who has put a socket in the engine's place.</summary>
    Foreign,
}

/// <summary>
/// Judges who answers on a socket of the system (SO_PEERCRED, unix(7)): below <c>/run</c> that is root, or whoever owns the socket's folder. A folder
/// that a group may write to lets each member put a socket of its own there.
/// </summary>
internal static class PeerJudgement
{
    private const uint UsualOverflow = 65534;

    /// <summary>Judges who answers.</summary>
    /// <param name="path">The socket.</param>
    /// <param name="peer">Who the kernel says it is.</param>
    public static PeerTrust Of(string path, PeerCredentials peer)
        => IsOfSystem(path) ? Of(peer.Uid, FileStatus.Read(Path.GetDirectoryName(Path.GetFullPath(path))!, follow: true)?.Uid, Overflow()) : PeerTrust.Trusted;

    /// <summary>Judges by numbers alone.</summary>
    /// <param name="peer">Who answers.</param>
    /// <param name="owner">Who owns the socket's folder; null when that is not to be seen.</param>
    /// <param name="overflow">The number of all who have none in this user namespace.</param>
    public static PeerTrust Of(uint peer, uint? owner, uint overflow)
        => peer == overflow ? PeerTrust.Unproven
            : peer == 0 || peer == owner ? PeerTrust.Trusted
            : PeerTrust.Foreign;

    /// <summary>Whether a socket is one of the system's: below /run, but not in a user's own directory there.</summary>
    public static bool IsOfSystem(string path)
    {
        string full = Path.GetFullPath(path);
        string below = full.StartsWith("/var/run/", StringComparison.Ordinal) ? full["/var".Length..] : full;
        return below.StartsWith("/run/", StringComparison.Ordinal) && !below.StartsWith("/run/user/", StringComparison.Ordinal);
    }

    private static uint Overflow()
    {
        try
        {
            return uint.TryParse(BoundedFile.TryReadText("/proc/sys/kernel/overflowuid", 64)?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : UsualOverflow;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return UsualOverflow;
        }
    }
}
