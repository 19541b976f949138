namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Why a user cannot connect to a unix socket, as far as that user can see. To connect requires search permission on
/// every directory of the path and write permission on the socket (unix(7)).
/// </summary>
public sealed record SocketAccess
{
    /// <summary>The path of the socket.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The first directory of the path that the user may not search; null when the socket itself denies access.</summary>
    public string? ClosedDirectory { get; init; }

    /// <summary>The path that denies access: <see cref="ClosedDirectory"/>, else <see cref="SocketPath"/>.</summary>
    public string ClosedPath => ClosedDirectory ?? SocketPath;

    /// <summary>The owner of <see cref="ClosedPath"/>: a name, or a number without a name; null when unknown.</summary>
    public string? Owner { get; init; }

    /// <summary>The group of <see cref="ClosedPath"/>: a name, or a number without a name; null when unknown.</summary>
    public string? Group { get; init; }

    /// <summary>The permissions of <see cref="ClosedPath"/>; null when unknown.</summary>
    public UnixFileMode? Mode { get; init; }

    /// <summary>The effective user of this process: a name, or a number without a name.</summary>
    public required string User { get; init; }

    /// <summary>True when membership in <see cref="Group"/> would give access to <see cref="ClosedPath"/>.</summary>
    public bool GroupOpens { get; init; }

    /// <summary>
    /// True when the user database lists the user in <see cref="Group"/> but this process lacks the membership: the login, or the service,
    /// is older than the membership. A new login, or a restart of the service, fixes it.
    /// </summary>
    public bool NeedsNewLogin { get; init; }

    internal static SocketAccess Inspect(string socketPath)
    {
        uint uid = UnixIdentity.EffectiveUserId;
        string user = UnixIdentity.UserName(uid) ?? uid.ToString(System.Globalization.CultureInfo.InvariantCulture);
        string? closed = FirstClosedDirectory(socketPath);
        if (UnixIdentity.Stat(closed ?? socketPath) is not { } facts)
        {
            return new SocketAccess { SocketPath = socketPath, ClosedDirectory = closed, User = user };
        }

        UnixFileMode needed = closed is null ? UnixFileMode.GroupWrite : UnixFileMode.GroupExecute;
        string? groupName = UnixIdentity.GroupName(facts.Group);
        return new SocketAccess
        {
            SocketPath = socketPath,
            ClosedDirectory = closed,
            Owner = UnixIdentity.UserName(facts.Owner) ?? facts.Owner.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Group = groupName ?? facts.Group.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Mode = facts.Mode,
            User = user,
            GroupOpens = facts.Mode.HasFlag(needed),
            NeedsNewLogin = groupName is not null
                && UnixIdentity.DatabaseHasMember(user, facts.Group)
                && !UnixIdentity.ProcessHasGroup(facts.Group),
        };
    }

    private static string? FirstClosedDirectory(string socketPath)
    {
        for (int slash = 0; slash >= 0; slash = socketPath.IndexOf('/', slash + 1))
        {
            string directory = slash == 0 ? "/" : socketPath[..slash];
            if (!UnixIdentity.MaySearch(directory))
            {
                return directory;
            }
        }

        return null;
    }
}
