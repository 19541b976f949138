using System.Text.Json.Nodes;

namespace OpenCloud.Build.Client.Containers.Runtime;

/// <summary>A path of the machine in a container.</summary>
internal sealed record BindMount(string Source, string Target, bool IsReadOnly = false);

/// <summary>
/// The configuration of a privileged container for runc (OCI runtime specification, config.md and config-linux.md): all capabilities and devices,
/// no filter of system calls, no masked paths, and writable /sys and control groups, as buildkitd creates containers itself.
/// </summary>
internal static class RuntimeSpec
{
    /// <summary>How containerd marks a specification (containerd, core/containers: the type that its clients register).</summary>
    public const string TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

    private const string DefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Makes the document.</summary>
    /// <param name="hostName">The name of the machine within the container.</param>
    /// <param name="groups">The path of its control groups.</param>
    /// <param name="process">The program.</param>
    /// <param name="usesHostNetwork">Whether it has the machine's network; otherwise it has none but a loopback interface.</param>
    /// <param name="binds">The paths of the machine.</param>
    /// <param name="machine">What it gets from the machine.</param>
    public static JsonObject Create(string hostName, string groups, ImageProcess process, bool usesHostNetwork, IReadOnlyList<BindMount> binds, MachineFacts machine)
    {
        List<string> environment = [.. process.Environment];
        if (!environment.Exists(static e => e.StartsWith("PATH=", StringComparison.Ordinal)))
        {
            environment.Insert(0, DefaultPath);
        }

        environment.Add("HOSTNAME=" + hostName);
        return new JsonObject
        {
            ["ociVersion"] = "1.0.2",
            ["process"] = new JsonObject
            {
                ["user"] = new JsonObject { ["uid"] = process.Uid, ["gid"] = process.Gid },
                ["args"] = TextsOf(process.Arguments),
                ["env"] = TextsOf(environment),
                ["cwd"] = process.Folder,
                ["capabilities"] = new JsonObject
                {
                    ["bounding"] = TextsOf(machine.Capabilities),
                    ["effective"] = TextsOf(machine.Capabilities),
                    ["permitted"] = TextsOf(machine.Capabilities),
                },
            },

            // containerd mounts the snapshot at this folder of the bundle.
            ["root"] = new JsonObject { ["path"] = "rootfs" },
            ["hostname"] = hostName,
            ["mounts"] = MountsOf(binds),
            ["linux"] = new JsonObject
            {
                ["cgroupsPath"] = groups,
                ["namespaces"] = NamespacesOf(usesHostNetwork, machine.HasUnifiedGroups),
                ["devices"] = new JsonArray([.. machine.Devices.Select(static d => (JsonNode)new JsonObject
                {
                    ["path"] = d.Path,
                    ["type"] = d.IsBlock ? "b" : "c",
                    ["major"] = d.Major,
                    ["minor"] = d.Minor,
                    ["fileMode"] = d.Mode,
                    ["uid"] = d.Uid,
                    ["gid"] = d.Gid,
                })]),
                ["resources"] = new JsonObject { ["devices"] = new JsonArray(new JsonObject { ["allow"] = true, ["access"] = "rwm" }) },
            },
        };
    }

    private static JsonArray TextsOf(IEnumerable<string> texts) => new([.. texts.Select(static t => (JsonNode)t)]);

    private static JsonArray NamespacesOf(bool usesHostNetwork, bool hasUnifiedGroups)
    {
        List<string> types = ["pid", "ipc", "uts", "mount"];
        if (!usesHostNetwork)
        {
            types.Add("network");
        }

        // With separate hierarchies, the groups of the container are bound into it instead.
        if (hasUnifiedGroups)
        {
            types.Add("cgroup");
        }

        return new JsonArray([.. types.Select(static t => (JsonNode)new JsonObject { ["type"] = t })]);
    }

    private static JsonArray MountsOf(IReadOnlyList<BindMount> binds) => new(
    [
        Mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
        Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        Mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "rw"),
        Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "rw"),
        .. binds.Select(static b => Mount(b.Target, "bind", b.Source, "rbind", "rprivate", b.IsReadOnly ? "ro" : "rw")),
    ]);

    private static JsonNode Mount(string target, string type, string source, params string[] options) =>
        new JsonObject { ["destination"] = target, ["type"] = type, ["source"] = source, ["options"] = TextsOf(options) };
}
