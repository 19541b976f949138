using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Containers.Runtime;
using OpenCloud.Build.Client.Images.Oci;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Containers;

/// <summary>What containers of containerd are made from: the configuration for runc, the program of an image, and the facts of the machine.</summary>
public sealed class RuntimeSpecTests
{
    private static readonly ImageProcess Program = new(["buildkitd", "--debug"], ["A=1"], "/work", 0, 0);
    private static readonly MachineFacts Machine = new(["CAP_CHOWN", "CAP_SYS_ADMIN"], [new MachineDevice("/dev/fuse", false, 10, 229, 0x1B6, 0, 0)], HasUnifiedGroups: false);

    [Fact]
    public void A_container_is_privileged()
    {
        JsonObject spec = RuntimeSpec.Create("box", "/default/1", Program, usesHostNetwork: false, [new BindMount("/data", "/var/lib/buildkit"), new BindMount("/etc/hosts", "/etc/hosts", IsReadOnly: true)], Machine);
        JsonNode process = spec["process"]!;
        Assert.Equal("""["buildkitd","--debug"]""", process["args"]!.ToJsonString());
        Assert.Equal("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin,A=1,HOSTNAME=box", string.Join(',', process["env"]!.AsArray().Select(static e => e!.ToString())));
        Assert.All(["bounding", "effective", "permitted"], set => Assert.Equal("""["CAP_CHOWN","CAP_SYS_ADMIN"]""", process["capabilities"]![set]!.ToJsonString()));
        JsonNode linux = spec["linux"]!;
        Assert.Null(linux["seccomp"]);
        Assert.Null(linux["maskedPaths"]);
        Assert.Null(linux["readonlyPaths"]);
        Assert.Null(process["apparmorProfile"]);
        Assert.Equal("""[{"allow":true,"access":"rwm"}]""", linux["resources"]!["devices"]!.ToJsonString());
        Assert.Equal("""[{"path":"/dev/fuse","type":"c","major":10,"minor":229,"fileMode":438,"uid":0,"gid":0}]""", linux["devices"]!.ToJsonString());
        Assert.Equal("/default/1", linux["cgroupsPath"]!.ToString());
        JsonNode[] mounts = [.. spec["mounts"]!.AsArray().Select(static m => m!)];
        Assert.All(mounts.Where(static m => m["destination"]!.ToString().StartsWith("/sys", StringComparison.Ordinal)), static m => Assert.Contains("rw", m["options"]!.AsArray().Select(static o => o!.ToString())));
        Assert.Equal("""{"destination":"/var/lib/buildkit","type":"bind","source":"/data","options":["rbind","rprivate","rw"]}""", mounts[^2].ToJsonString());
        Assert.Equal("""{"destination":"/etc/hosts","type":"bind","source":"/etc/hosts","options":["rbind","rprivate","ro"]}""", mounts[^1].ToJsonString());
    }

    [Theory]
    [InlineData(false, false, "pid,ipc,uts,mount,network")]
    [InlineData(true, false, "pid,ipc,uts,mount")]
    [InlineData(false, true, "pid,ipc,uts,mount,network,cgroup")]
    public void Its_namespaces_follow_the_network_and_the_control_groups(bool usesHost, bool isUnified, string types)
    {
        JsonObject spec = RuntimeSpec.Create("box", "/default/1", Program, usesHost, [], Machine with { HasUnifiedGroups = isUnified });
        Assert.Equal(types, string.Join(',', spec["linux"]!["namespaces"]!.AsArray().Select(static n => n!["type"]!.ToString())));
    }

    [Fact]
    public void The_program_is_that_of_the_image()
    {
        ImageProcess process = Parse("""{"config":{"Entrypoint":["/bin/a"],"Cmd":["-x"],"Env":["PATH=/p"],"WorkingDir":"/w","User":"1000:100"}}""");
        Assert.Equal(["/bin/a", "-x"], process.Arguments);
        Assert.Equal(["PATH=/p"], process.Environment);
        Assert.Equal(("/w", 1000u, 100u), (process.Folder, process.Uid, process.Gid));
        ImageProcess plain = Parse("""{"config":{"Cmd":["a"],"User":"root"}}""");
        Assert.Equal(("/", 0u, 0u), (plain.Folder, plain.Uid, plain.Gid));
    }

    [Theory]
    [InlineData("""{"config":{}}""")]
    [InlineData("{}")]
    [InlineData("""{"config":{"Cmd":["a"],"User":"daemon"}}""")]
    [InlineData("""{"config":{"Cmd":["a"],"User":"1:2:3"}}""")]
    [InlineData("""{"config":{"Cmd":["a"],"User":"-1"}}""")]
    [InlineData("""{"config":{"Cmd":{}}}""")]
    public void A_program_that_cannot_be_started_is_refused(string config) => Assert.Throws<OciFormatException>(() => Parse(config));

    [Theory]
    [InlineData("CapEff:\t0000000000000000", 0)]
    [InlineData("CapEff:\t0000000000200001", 2)]
    [InlineData("CapEff:\t000001ffffffffff", 41)]
    [InlineData("CapEff:\tffffffffffffffff", 41)]
    [InlineData("", 0)]
    public void Capabilities_are_those_of_root_here(string line, int count) => Assert.Equal(count, MachineFacts.CapabilitiesOf(line).Count);

    [Fact]
    public void Devices_are_those_of_this_machine()
    {
        MachineFacts machine = MachineFacts.Read();
        Assert.Contains(new MachineDevice("/dev/null", false, 1, 3, 0x1B6, 0, 0), machine.Devices);
        Assert.DoesNotContain(machine.Devices, static d => d.Path.StartsWith("/dev/pts/", StringComparison.Ordinal));
        Assert.Contains("CAP_CHOWN", MachineFacts.CapabilitiesOf("CapEff: 1"));
    }

    private static ImageProcess Parse(string config) => ImageProcess.Parse(Encoding.UTF8.GetBytes(config), "image");
}
