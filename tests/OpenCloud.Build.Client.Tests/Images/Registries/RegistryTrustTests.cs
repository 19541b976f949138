using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>Which registries are trusted over TLS.</summary>
public sealed class RegistryTrustTests : IDisposable
{
    private const string Name = "made.test";

    private readonly TemporaryDirectory _folder = new();
    private readonly X509Certificate2 _certificate = Create();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public RegistryTrustTests() => _folder.Folder(Name);

    public void Dispose()
    {
        _certificate.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("ca = \"ca.crt\"", true)]
    [InlineData("skip_verify = true", true)]
    public async Task AServer_IsTrustedByItsConfiguration(string setting, bool isTrusted)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync(_certificate);
        _folder.File($"{Name}/ca.crt", _certificate.ExportCertificatePem());
        _folder.File($"{Name}/hosts.toml", $"server = \"https://{registry.Host}\"\n{setting}\n");
        using RegistryClient client = new(Options());
        if (isTrusted)
        {
            Assert.Equal(registry.Host, await client.PingAsync(Name, Cancellation));
            return;
        }

        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.PingAsync(Name, Cancellation));
        Assert.Equal(RegistryFailure.Untrusted, refused.Failure);
        using RegistryClient insecure = new(Options() with { AllowInsecure = true });
        Assert.Equal(registry.Host, await insecure.PingAsync(Name, Cancellation));
    }

    [Fact]
    public async Task WhereARedirectLeads_NothingOfTheRegistrysOwnHolds()
    {
        await using FaultyRegistry storage = await FaultyRegistry.StartAsync(_certificate);
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync(_certificate);
        MadeImage made = new();
        made.PutInto(registry, "a", "1");
        registry.Fault = context =>
        {
            bool isBlob = context.Request.Path.Value!.Contains("/blobs/", StringComparison.Ordinal);
            if (isBlob)
            {
                context.Response.StatusCode = 307;
                context.Response.Headers.Location = $"https://localhost:{storage.Host.Split(':')[1]}/v2/a/blobs/{made.Large.Digest}";
            }

            return Task.FromResult(isBlob);
        };
        _folder.File($"{Name}/hosts.toml", $"server = \"https://{registry.Host}\"\nskip_verify = true\n");
        using RegistryClient client = new(Options() with { Attempts = 1 });
        RegistryRepository repository = client.Repository(ImageReference.Parse($"{Name}/a:1"));
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => repository.OpenBlobAsync(made.Large, Cancellation));
        Assert.Equal(RegistryFailure.Untrusted, refused.Failure);
        Assert.Empty(storage.Requests);
    }

    private RegistryOptions Options() => FaultyRegistry.Quick() with { Settings = new RegistrySettings(_folder.Path, []) };

    private static X509Certificate2 Create()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=registry", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
