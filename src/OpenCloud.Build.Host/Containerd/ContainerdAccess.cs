using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Containerd;

/// <summary>
/// Opens containerd's socket to its own group: a drop-in gives the socket to the group each time containerd starts, and the socket
/// is changed at once as well, so nothing needs a restart. containerd's own configuration, which others may own, is not changed.
/// </summary>
internal static class ContainerdAccess
{
    public const string Group = "containerd";

    public const string Warning =
        "Access to containerd's socket is equivalent to root: a member can start a container that contains this host's file system. containerd does not support narrower permissions.";

    private const string DropInPath = "/etc/systemd/system/containerd.service.d/50-opencloud.build-socket.conf";

    private static string Text => OwnedText.Seal(
        $"""
        [Service]
        ExecStartPost=/bin/chgrp {Group} {ContainerdPresence.Socket}
        ExecStartPost=/bin/chmod 0660 {ContainerdPresence.Socket}

        """);

    public static bool IsOpen => OwnedText.OwnerOf(DropInPath) != TextOwner.Nobody &&
        AccountDatabase.FindGroup(Group) is { } group &&
        (FileStatus.Read(ContainerdPresence.Socket) is not { } socket || socket.Gid == group.Gid);

    /// <summary>Throws when there is no containerd.</summary>
    public static void RequireContainerd()
    {
        if (!Systemctl.IsRunning || Systemctl.Property(ContainerdPresence.Unit, "LoadState") != "loaded")
        {
            throw new HostException(HostErrorKind.NotFound, "This host does not have containerd.service.", "Install containerd with Install-BuildKit -Worker Containerd.", ContainerdPresence.Unit);
        }
    }

    /// <summary>Opens the socket and returns the action that undoes it.</summary>
    public static Action Open()
    {
        bool made = AccountDatabase.FindGroup(Group) is null;
        if (made)
        {
            HostCommand.Require("groupadd", ["--system", "--", Group]);
        }

        DropIn.Write(DropInPath, Text);
        Give(AccountDatabase.FindGroup(Group)!.Gid);
        return () => Close(made);
    }

    public static void Close(bool dropGroup)
    {
        if (OwnedText.OwnerOf(DropInPath) == TextOwner.Nobody)
        {
            return;
        }

        DropIn.Remove(DropInPath);
        Give(0);
        if (dropGroup && AccountDatabase.FindGroup(Group) is not null)
        {
            HostCommand.Require("groupdel", ["--", Group]);
        }
    }

    private static void Give(uint gid)
    {
        if (FileStatus.Read(ContainerdPresence.Socket) is { Type: InodeType.Socket })
        {
            FileStatus.Give(
                ContainerdPresence.Socket,
                0,
                gid,
                FileModes.OwnerFile | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
                static socket => socket.Type == InodeType.Socket);
        }
    }
}
