using OpenCloud.Build.Host.Prechecks;

namespace OpenCloud.Build.Host.Tests.Prechecks;

/// <summary>A machine on paper: one on which an engine without root runs, for tests to break.</summary>
internal sealed class FakeView : IHostView
{
    public const uint Uid = 1001;

    public Dictionary<string, string> Texts { get; } = new()
    {
        ["/proc/sys/user/max_user_namespaces"] = "63359\n",
        ["/proc/sys/kernel/osrelease"] = "6.1.0-18-amd64\n",
        ["/proc/version"] = "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)\n",
        ["/proc/self/mountinfo"] =
            """
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            23 22 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:2 - proc proc rw
            24 22 8:2 / /home rw,relatime shared:3 - ext4 /dev/sda2 rw

            """,
        ["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nbuilder:x:1001:1001::/home/builder:/bin/sh\n",
        ["/etc/group"] = "root:x:0:\nbuilder:x:1001:\n",
        ["/etc/subuid"] = "builder:100000:65536\n",
        ["/etc/subgid"] = "builder:100000:65536\n",
        ["/sys/fs/cgroup/cgroup.controllers"] = "cpuset cpu io memory pids\n",
        ["/sys/fs/cgroup/user.slice/user-1001.slice/user@1001.service/cgroup.controllers"] = "cpu memory pids\n",
    };

    public Dictionary<string, FileStatus> Inodes { get; } = new()
    {
        ["/usr/bin/rootlesskit"] = Inode(InodeType.Regular, 0x1ed),
        ["/usr/bin/newuidmap"] = Inode(InodeType.Regular, 0x9ed),
        ["/usr/bin/newgidmap"] = Inode(InodeType.Regular, 0x9ed),
        ["/dev/net/tun"] = Inode(InodeType.Other, 0x1b6),
        ["/dev/fuse"] = Inode(InodeType.Other, 0x1b6),
        ["/etc/hosts"] = Inode(InodeType.Regular, 0x1a4),
        ["/usr/lib/systemd/user/dbus.socket"] = Inode(InodeType.Regular, 0x1a4),
    };

    public Dictionary<string, string> Programs { get; } = new[] { "rootlesskit", "newuidmap", "newgidmap", "ip", "slirp4netns" }
        .ToDictionary(name => name, name => "/usr/bin/" + name);

    public Dictionary<string, string> Links { get; } = [];

    public Dictionary<string, byte[]> Capabilities { get; } = [];

    /// <summary>What programs have in them.</summary>
    public Dictionary<string, string> Content { get; } = [];

    public Dictionary<string, string> Candidates { get; } = [];

    public static FileStatus Inode(InodeType type, uint mode, uint uid = 0, uint gid = 0) => new(type, mode, uid, gid, 1, 1);

    public string? ReadText(string path) => Texts.GetValueOrDefault(path);

    public FileStatus? Look(string path) => Inodes.GetValueOrDefault(path);

    public string? Find(string program) => Programs.GetValueOrDefault(program);

    public string RealPath(string path) => Links.GetValueOrDefault(path, path);

    public byte[]? FileCapabilities(string path) => Capabilities.GetValueOrDefault(path);

    public IReadOnlyList<string> FilesOf(string directory) => [.. Texts.Keys.Where(path => Path.GetDirectoryName(path) == directory)];

    public bool Contains(string path, string text) => Content.GetValueOrDefault(path)?.Contains(text, StringComparison.Ordinal) == true;

    public string? Candidate(string package) => Candidates.GetValueOrDefault(package);
}
