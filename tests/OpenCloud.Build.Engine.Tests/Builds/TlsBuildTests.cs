using System.Net.Security;
using System.Security.Authentication;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Certificates;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Builds over mutual TLS, with certificates of this project.</summary>
public sealed class TlsBuildTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task ABuild_GoesThroughMutualTls(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder folder = new();
        CertificateStore store = new(Path.Combine(folder.Path, "pki"));
        BuildKitCertificate[] made = [.. new[] { store.PlanAuthority()!, store.PlanServer(["127.0.0.1"], null, false), store.PlanClient("ci", false) }.Select(s => store.Issue(s, TimeSpan.FromDays(90)))];
        using ContextFolder context = await ContextFolder.CreateAsync("""
            FROM scratch
            COPY busybox /bin/busybox
            COPY data /data
            RUN ["/bin/busybox", "wc", "-c", "/data"]
            """);
        context.Write("data", new string('x', 3_000_000));
        foreach (SslProtocols version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
        {
            await using TlsRelay relay = new(EngineAddress.Parse(engine.Address).Path!, made[1].Path, SslApplicationProtocol.Http11, version);
            EngineConnectOptions options = new() { ConnectTimeout = TimeSpan.FromSeconds(30), Tls = new EngineTlsOptions { Directory = made[2].Path } };
            await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.Parse($"docker://127.0.0.1:{relay.Port}"), options, Cancellation);
            ImageBuildResult result = await client.BuildAsync(new() { ContextPath = context.Path, NoCache = version == SslProtocols.Tls13 }, null, Cancellation);
            Assert.Contains(result.Steps, static s => s.Name.Contains("wc", StringComparison.Ordinal));
            Assert.NotEmpty((await client.InspectAsync(Cancellation)).GetWorkers());
            Assert.True(relay.Accepted >= 4, $"{relay.Accepted}");
        }
    }
}
