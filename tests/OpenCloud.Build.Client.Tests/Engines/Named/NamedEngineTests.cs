using System.Text;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Named;

/// <summary>Names in addresses, in the discovery and in the file.</summary>
public sealed class NamedEngineTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("ocb-named").FullName;

    private EngineConnectOptions Options => new() { GetEnvironmentVariable = Variable, ConnectTimeout = TimeSpan.FromMilliseconds(50) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string? Host { get; set; }

    public void Dispose() => Directory.Delete(_home, true);

    [Fact]
    public void A_name_is_an_address()
    {
        EngineAddress address = EngineAddress.ForName("ci-1");
        Assert.Equal(("engine", "ci-1", "engine://ci-1"), (address.Scheme, address.Name, address.ToString()));
        Assert.Equal(address, EngineAddress.Parse("engine://CI-1"));
        Assert.Equal(address.GetHashCode(), EngineAddress.Parse("engine://CI-1").GetHashCode());
        Assert.NotEqual(address, EngineAddress.ForName("ci-2"));
        Assert.False(address.IsLocal);
        foreach (string text in new[] { "", "-x", "a/b", "a b", "docker", new string('a', 64), "é", "10.0.0.5" })
        {
            Assert.Throws<FormatException>(() => EngineAddress.ForName(text));
        }
    }

    [Fact]
    public void The_default_comes_after_the_variable_and_before_all_others()
    {
        NamedEngineStore store = new(Variable);
        store.Add(new BuildKitEngine { Name = "ci", Nodes = [new() { Address = "unix:///a" }, new() { Address = "unix:///b" }], IsDefault = true }, cancellationToken: Token);
        store.Add(new BuildKitEngine { Name = "other", Nodes = [new() { Address = "unix:///c", CertificateDirectory = "/tls" }] }, cancellationToken: Token);
        Assert.Equal(["unix:///a", "unix:///b", "unix:///run/buildkit/buildkitd.sock"], Addresses().Take(3));
        Host = "unix:///first";
        Assert.Equal(["unix:///first", "unix:///a"], Addresses().Take(2));
        Host = "other";
        EngineCandidate named = EngineDiscovery.Candidates(Options)[0];
        Assert.Equal(("$BUILDKIT_HOST", "unix:///c", true), (named.Source, named.Address!.ToString(), named.IsExplicit));
        Host = "absent";
        Assert.Equal(EngineConnectReason.BadSetting, Assert.Throws<EngineConnectException>(() => EngineDiscovery.Candidates(Options)).Reason);
    }

    [Fact]
    public void A_file_that_cannot_be_used_is_said_but_stops_no_other_engine()
    {
        NamedEngineStore store = new(Variable);
        store.Add(new BuildKitEngine { Name = "ci", Nodes = [new() { Address = "unix:///a" }], IsDefault = true }, cancellationToken: Token);
        File.SetUnixFileMode(store.Path!, (UnixFileMode)0x1B6);
        EngineCandidate problem = EngineDiscovery.Candidates(Options)[0];
        Assert.Equal(EngineConnectReason.UntrustedEngineFile, problem.Problem!.Reason);
        Assert.Equal("unix:///run/buildkit/buildkitd.sock", EngineDiscovery.Candidates(Options)[1].Address!.ToString());
    }

    [Fact]
    public async Task Each_node_is_tried_and_the_error_names_all()
    {
        NamedEngineStore store = new(Variable);
        store.Add(new BuildKitEngine { Name = "ci", Nodes = [new() { Address = "unix:///nowhere/a" }, new() { Address = "tcp://192.0.2.1:1" }] }, cancellationToken: Token);
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(EngineAddress.ForName("ci"), Options, TestContext.Current.CancellationToken));
        Assert.Contains("unix:///nowhere/a", e.Message, StringComparison.Ordinal);
        Assert.Contains("plain TCP", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(EngineAddress.ForName("absent"), Options, TestContext.Current.CancellationToken));
        Assert.Equal(EngineConnectReason.NotRegistered, e.Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_setting_that_no_node_can_follow_is_an_error(bool isDefault)
    {
        new NamedEngineStore(Variable).Add(new BuildKitEngine { Name = "ci", Nodes = [new() { Address = "tcp://192.0.2.1:1" }, new() { Address = "tcp://192.0.2.2:1" }], IsDefault = isDefault }, cancellationToken: Token);
        Host = isDefault ? null : "ci";
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(null, Options, TestContext.Current.CancellationToken));
        Assert.Equal(EngineConnectReason.NotAllowed, e.Reason);
        Assert.Equal(["tcp://192.0.2.1:1", "tcp://192.0.2.2:1"], e.PassedOver.Select(static p => p.Address!.ToString()));
    }

    [Fact]
    public async Task A_setting_with_a_node_that_may_come_back_is_passed_over()
    {
        new NamedEngineStore(Variable).Add(new BuildKitEngine { Name = "ci", Nodes = [new() { Address = "tcp://192.0.2.1:1" }, new() { Address = "unix:///nowhere/b" }], IsDefault = true }, cancellationToken: Token);
        EngineConnectOptions options = Options;
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await EngineDiscovery.OpenAsync(
            [.. EngineDiscovery.Candidates(options).Where(static c => c.Source is not "system socket" and not "Docker socket"), new EngineCandidate("last", EngineAddress.Parse("unix:///nowhere/c"), false)], options, TestContext.Current.CancellationToken));
        Assert.Equal("last", e.PassedOver[^1].Source);
    }

    [Fact]
    public void The_wait_for_another_process_ends_when_it_is_cancelled()
    {
        NamedEngineStore store = new(Variable);
        store.Add(new BuildKitEngine { Name = "a", Nodes = [new() { Address = "docker://" }] }, cancellationToken: Token);
        using FileStream other = OpenWhenFree(Path.Combine(Path.GetDirectoryName(store.Path!)!, "engines.lock"));
        Assert.Equal(0, LinuxCalls.Lock((int)other.SafeFileHandle.DangerousGetHandle(), 2));
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(60));
        Assert.ThrowsAny<OperationCanceledException>(() => store.Remove("a", stop.Token));
        Assert.Single(store.Read());
    }

    // A program that another test starts holds this process's locks from its fork to its exec.
    private static FileStream OpenWhenFree(string path)
    {
        for (long begin = Environment.TickCount64; ; Thread.Sleep(5))
        {
            try
            {
                return new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            }
            catch (IOException) when (Environment.TickCount64 - begin < 10_000)
            {
                // Not yet.
            }
        }
    }

    [Theory]
    [InlineData("""{"engines":{}}""", "no version")]
    [InlineData("""{"version":2,"engines":{}}""", "newer version")]
    [InlineData("""{"version":1,"engines":{},"x":1}""", "'x'")]
    [InlineData("""{"version":1,"engines":{"a/b":{"nodes":[{"address":"docker://"}]}}}""", "invalid")]
    [InlineData("""{"version":1,"engines":{"a":{"nodes":[]}}}""", "1 to 256 nodes")]
    [InlineData("""{"version":1,"engines":{"a":{"nodes":[{"address":"docker://","weight":1}]}}}""", "'weight'")]
    [InlineData("""{"version":1,"engines":{"a":{"nodes":[{"address":"docker://","tls":{"password":"x"}}]}}}""", "'password'")]
    [InlineData("""{"version":1,"engines":{"a":{"nodes":[{"address":"docker://","tls":{"key":"relative"}}]}}}""", "absolute path")]
    [InlineData("""{"version":1,"engines":{"a":{"nodes":[{"address":1}]}}}""", "not a string")]
    [InlineData("""{"version":1,"default":"b","engines":{"a":{"nodes":[{"address":"docker://"}]}}}""", "default")]
    [InlineData("""{"version":1,"engines":{"a":{"nodes":[{"address":"docker://"}]},"A":{"nodes":[{"address":"docker://"}]}}}""", "twice")]
    [InlineData("""{"version":1,"version":1,"engines":{}}""", "twice")]
    [InlineData("[]", "not a JSON object")]
    public void Refuses_what_it_does_not_know(string json, string says)
    {
        NamedEngineException e = Assert.Throws<NamedEngineException>(() => NamedEngineJson.Read(Encoding.UTF8.GetBytes(json), "/f"));
        Assert.Equal(NamedEngineProblem.FileInvalid, e.Problem);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keeps_everything_in_the_file()
    {
        BuildKitEngine engine = new()
        {
            Name = "ci",
            IsDefault = true,
            AllowPlainTcp = true,
            Nodes = [new() { Address = "tcp://a:1", Platform = "linux/amd64, linux/386", CertificateDirectory = "/d" }, new() { Address = "tcp://b:1", CaCertificate = "/ca", Certificate = "/c", Key = "/k", ServerName = "b" }],
            Labels = new Dictionary<string, string> { ["a"] = "1", ["b"] = "\u001b[31m" },
            CacheFrom = ["x"],
            CacheTo = ["type=registry,ref=y"],
        };
        new NamedEngineStore(Variable).Add(engine, cancellationToken: Token);
        BuildKitEngine read = Assert.Single(new NamedEngineStore(Variable).Read());
        Assert.Equal(engine.Nodes, read.Nodes);
        Assert.Equal(engine.Labels, read.Labels);
        Assert.DoesNotContain('\u001b', read.Labels["b"]);
        Assert.Equal((engine.CacheFrom[0], engine.CacheTo[0], true, true), (read.CacheFrom[0], read.CacheTo[0], read.IsDefault, read.AllowPlainTcp));
    }

    [Fact]
    public void A_link_to_the_file_stays()
    {
        NamedEngineStore store = new(Variable);
        store.Add(new BuildKitEngine { Name = "a", Nodes = [new() { Address = "docker://" }] }, cancellationToken: Token);
        string elsewhere = Path.Combine(_home, "kept.json");
        File.Move(store.Path!, elsewhere);
        File.CreateSymbolicLink(store.Path!, elsewhere);
        store.Add(new BuildKitEngine { Name = "b", Nodes = [new() { Address = "docker://" }] }, cancellationToken: Token);
        Assert.Equal(elsewhere, new FileInfo(store.Path!).LinkTarget);
        Assert.Equal(2, store.Read().Count);
    }

    [Fact]
    public void Nothing_is_read_without_a_home() => Assert.Empty(new NamedEngineStore(static _ => null).Read());

    private IEnumerable<string> Addresses() => EngineDiscovery.Candidates(Options).Select(static c => c.Address?.ToString() ?? "none");

    private string? Variable(string name) => name switch { "XDG_CONFIG_HOME" => _home, "BUILDKIT_HOST" => Host, _ => null };
}
