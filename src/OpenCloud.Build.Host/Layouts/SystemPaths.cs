namespace OpenCloud.Build.Host.Layouts;

/// <summary>The paths and units of root's engine, the same on every host.</summary>
internal static class SystemPaths
{
    public const string SocketDirectory = "/run/buildkit";

    public const string SocketPath = SocketDirectory + "/buildkitd.sock";

    public const string SocketUnit = "buildkit.socket";

    public const string ServiceUnit = "buildkit.service";

    public const string SocketUnitPath = "/etc/systemd/system/" + SocketUnit;

    public const string ServiceUnitPath = "/etc/systemd/system/" + ServiceUnit;

    public const string TmpfilesPath = "/etc/tmpfiles.d/opencloud.build.conf";

    /// <summary>The engine's settings at BuildKit's own default path, so a buildkitd started by hand uses them too.</summary>
    public const string SettingsPath = "/etc/buildkit/buildkitd.toml";

    public const string EngineState = "/var/lib/buildkit";

    /// <summary>
    /// The mode of the socket's directory. Only root writes to it: systemd creates the socket, and a member with write access could replace the
    /// socket and receive what root sends, secrets included. Everybody may enter and list it, so a non-member can be told about the missing
    /// membership; the socket's own mode decides who connects. Set-gid, so files created here belong to the group.
    /// </summary>
    public const uint SocketDirectoryMode = 0x5ed; // 2755

    /// <summary>The folder that keeps downloads until they are used; a partial download stays for the next run.</summary>
    public const string Downloads = "/var/cache/opencloud.build";
}
