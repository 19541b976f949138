using System.Globalization;

namespace OpenCloud.Build.Linux;

internal enum PeerTrust
{
    /// <summary>
    /// The peer is root or the owner of the socket's folder, or the socket is not a system socket: then the user who named it knows its owner.
    /// </summary>
    Trusted,

    /// <summary>The kernel reports the overflow user id: the peer is in another user namespace.</summary>
    Unproven,

    /// <summary>The peer is another user, who has put a socket in the engine's place.</summary>
    Foreign,
}

/// <summary>
/// Judges the peer of a system socket (SO_PEERCRED, unix(7)): below <c>/run</c> it must be root or the owner of the socket's folder. In a
/// folder that a group may write to, each member can put its own socket.
/// </summary>
internal static class PeerJudgement
{
    private const uint UsualOverflow = 65534;

    public static PeerTrust Of(string path, PeerCredentials peer)
        => IsOfSystem(path) ? Of(peer.Uid, FileStatus.Read(Path.GetDirectoryName(Path.GetFullPath(path))!, follow: true)?.Uid, Overflow()) : PeerTrust.Trusted;

    /// <summary>
    /// Judges by user ids only. owner is the folder's, null when unknown; overflow stands for all users that this user namespace does not map.
    /// </summary>
    public static PeerTrust Of(uint peer, uint? owner, uint overflow)
        => peer == overflow ? PeerTrust.Unproven
            : peer == 0 || peer == owner ? PeerTrust.Trusted
            : PeerTrust.Foreign;

    /// <summary>Whether a socket belongs to the system: below /run, but not in a user's own directory there.</summary>
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
