using System.Security.Cryptography;
using System.Text;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Tests.Programs;
using OpenCloud.Build.Linux.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Remote;

public sealed class DockerEndpointTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);

    public DockerEndpointTests() => _variables["HOME"] = _folder.Path;

    private string Docker => Path.Join(_folder.Path, ".docker");

    private EngineConnectOptions Options => new() { GetEnvironmentVariable = Get };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("unix:///run/other.sock", "docker:///run/other.sock")]
    [InlineData("ssh://me@box", "docker+ssh://me@box")]
    [InlineData("tcp://127.0.0.1:2375", "docker://127.0.0.1:2375")]
    public void Follows_a_context(string host, string address)
    {
        Add("far", host);
        Assert.Equal(address, DockerConnector.Create(EngineAddress.Parse("docker-context://far"), Options).Address.ToString());

        _variables["DOCKER_CONTEXT"] = "far";
        Assert.Equal(new DockerEndpoint(EngineAddress.Parse(address), null, "$DOCKER_CONTEXT 'far'", true), DockerEndpoint.Current(Get));

        _variables.Remove("DOCKER_CONTEXT");
        Assert.Equal("Docker socket", DockerEndpoint.Current(Get).Source);
        Write("config.json", """{ "auths": {}, "currentContext": "far" }""");
        Assert.Equal("Docker's current context 'far'", DockerEndpoint.Current(Get).Source);
        EngineCandidate candidate = EngineDiscovery.Candidates(Options)[^1];
        Assert.Equal((address, true), (candidate.Address!.ToString(), candidate.IsExplicit));

        // DOCKER_HOST comes before any context, and 'default' means no context.
        _variables["DOCKER_HOST"] = "unix:///run/set.sock";
        Assert.Equal("docker:///run/set.sock", DockerEndpoint.Current(Get).Address.ToString());
        Assert.Equal("docker:///run/set.sock", DockerEndpoint.OfContext("default", Get).Address.ToString());
        _variables.Remove("DOCKER_HOST");
        _variables["DOCKER_CONTEXT"] = "default";
        Assert.Equal("docker:///var/run/docker.sock", DockerEndpoint.Current(Get).Address.ToString());
        Assert.Equal(["far"], new DockerContextFiles(Get).List());
    }

    [Fact]
    public void Keeps_the_context_of_certificates_as_the_address()
    {
        Add("safe", "tcp://build.example:2376");
        string material = Directory.CreateDirectory(Path.Join(Docker, "contexts/tls", Id("safe"), "docker")).FullName;
        Assert.Equal(material, DockerEndpoint.OfContext("safe", Get).Tls!.Directory);
        EngineAddress address = EngineAddress.Parse("docker-context://safe");
        IEngineConnector connector = EngineConnectors.Create(address, Options);
        Assert.Equal(address, connector.Address);
        Assert.IsType<TlsConnector>(Assert.IsType<DockerConnector>(connector).Api);
    }

    [Fact]
    public void DOCKER_TLS_VERIFY_uses_the_certificates_of_DOCKER_CERT_PATH()
    {
        _variables["DOCKER_HOST"] = "tcp://build.example";
        _variables["DOCKER_TLS_VERIFY"] = "1";
        Assert.Equal((Docker, "docker://build.example:2376"), (DockerEndpoint.Current(Get).Tls!.Directory, DockerEndpoint.Current(Get).Address.ToString()));
        _variables["DOCKER_CERT_PATH"] = "/certs";
        Assert.Equal("/certs", DockerEndpoint.Current(Get).Tls!.Directory);
        Assert.Equal("docker://", EngineDiscovery.Candidates(Options)[^1].Address!.ToString());
        Assert.IsType<TlsConnector>(Assert.IsType<DockerConnector>(EngineConnectors.Create(EngineAddress.Parse("docker://"), Options)).Api);

        _variables.Remove("DOCKER_TLS_VERIFY");
        _variables["DOCKER_TLS"] = "1";
        Refused("without verification");
        _variables.Remove("DOCKER_TLS");
        EngineConnectException e = Assert.Throws<EngineConnectException>(() => EngineConnectors.Create(EngineAddress.Parse("docker://"), Options));
        Assert.Equal(EngineConnectReason.NotAllowed, e.Reason);
    }

    [Theory]
    [InlineData("gone", null, "the context does not exist")]
    [InlineData("-H", null, "the name of a context contains only")]
    [InlineData("../x", null, "the name of a context contains only")]
    [InlineData("bad", "[]", "is not a JSON object")]
    [InlineData("bad", "{}", "has no Docker endpoint")]
    [InlineData("bad", """{"Endpoints":{"docker":{"Host":""}}}""", "has no Docker endpoint")]
    [InlineData("bad", """{"Endpoints":{"docker":{"Host":"npipe:////./pipe/x"}}}""", "its scheme 'npipe' is not supported")]
    [InlineData("bad", """{"Endpoints":{"docker":{"Host":"ssh://-oProxyCommand=x"}}}""", "The host of a docker+ssh:// address")]
    [InlineData("bad", """{"Endpoints":{"docker":{"Host":"tcp://a:1","SkipTLSVerify":true}}}""", "turns the verification")]
    public void Says_what_is_wrong_with_a_context(string name, string? meta, string said)
    {
        if (meta is not null)
        {
            Write($"contexts/meta/{Id(name)}/meta.json", meta);
        }

        _variables["DOCKER_CONTEXT"] = name;
        Refused(said);
        Assert.NotNull(EngineDiscovery.Candidates(Options)[^1].Problem);
    }

    [Fact]
    public void Root_follows_no_configuration_that_another_user_can_change()
    {
        Add("far", "unix:///run/other.sock");
        Write("config.json", """{ "currentContext": "far" }""");
        Assert.Equal("docker:///run/other.sock", DockerEndpoint.Current(Get).Address.ToString());
        if (!ProgramTrust.Applies)
        {
            return;
        }

        string config = Path.Join(Docker, "config.json");
        string meta = Path.Join(Docker, $"contexts/meta/{Id("far")}/meta.json");
        ProgramFolder.Run("chown", "65534", meta);
        Refused("belongs to the user 65534");
        Write("config.json", """{ "auths": {} }""");
        ProgramFolder.Run("chown", "65534", config);
        Assert.Equal("Docker socket", DockerEndpoint.Current(Get).Source);
        Write("config.json", """{ "currentContext": "far" }""");
        ProgramFolder.Run("chown", "0", meta);
        Refused($"root does not use '{config}'");
    }

    [Theory]
    [InlineData("docker-context://-x")]
    [InlineData("docker-context://")]
    [InlineData("docker-context://a/b")]
    [InlineData("docker-context://a?b=c")]
    public void Refuses_names_that_no_context_has(string text) => Assert.False(EngineAddress.TryParse(text, out _));

    [Fact]
    public void Lists_the_names_that_an_address_can_have()
    {
        Assert.Empty(RemoteEngineNames.DockerContexts(Options));
        Assert.Empty(RemoteEngineNames.SshHosts(Options));
        Add("far", "ssh://box");
        Add("-x", "ssh://box");
        Write("contexts/meta/broken/meta.json", "{");
        Assert.Equal(["far"], RemoteEngineNames.DockerContexts(Options));
        Directory.CreateDirectory(Path.Join(_folder.Path, ".ssh"));
        File.WriteAllText(Path.Join(_folder.Path, ".ssh/config"), "Host a *.example b !c\r\n  HostName x\nhost=d\nHost a -x user@e f:22\nMatch host g\n");
        Assert.Equal(["a", "b", "d"], RemoteEngineNames.SshHosts(Options));

        // Included files: below ~/.ssh, by a pattern, absolute, and one that includes itself.
        Directory.CreateDirectory(Path.Join(_folder.Path, ".ssh/conf.d"));
        File.WriteAllText(Path.Join(_folder.Path, ".ssh/conf.d/1.conf"), "Host h\nInclude conf.d/1.conf\n");
        File.WriteAllText(Path.Join(_folder.Path, ".ssh/conf.d/2.conf"), "Host i\n");
        File.WriteAllText(Path.Join(_folder.Path, ".ssh/conf.d/3.txt"), "Host j\n");
        File.WriteAllText(Path.Join(_folder.Path, ".ssh/config"), $"Include conf.d/*.conf \"{_folder.Path}/.ssh/conf.d/3.txt\" ~/nowhere /nowhere/*\nHost a\n");
        Assert.Equal(["h", "i", "j", "a"], RemoteEngineNames.SshHosts(Options));
    }

    private void Refused(string said)
    {
        EngineConnectException e = Assert.Throws<EngineConnectException>(() => DockerEndpoint.Current(Get));
        Assert.Equal(EngineConnectReason.BadSetting, e.Reason);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    private static string Id(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    private string? Get(string name) => _variables.GetValueOrDefault(name);

    private void Add(string name, string host) => Write(
        $"contexts/meta/{Id(name)}/meta.json",
        $$$"""{ "Name": "{{{name}}}", "Metadata": { }, "Endpoints": { "docker": { "Host": "{{{host}}}", "SkipTLSVerify": false } } }""");

    private void Write(string name, string text)
    {
        string path = Path.Join(Docker, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
