using System.Text;
using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>Who gets which credentials, what is tried again, and where requests go.</summary>
public sealed class RegistryAccessTests
{
    private const string Secret = "top-secret-of-the-user";

    private static readonly string Basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("user:" + Secret));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ABearerToken_IsFetchedOnce_AndThePasswordStaysWithTheService()
    {
        await using FaultyRegistry tokens = await FaultyRegistry.StartAsync();
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        AskForTokens(registry, tokens);
        using RegistryClient client = new(With(registry));
        MadeImage image = new();
        await new ImagePush(client.Repository(ImageReference.Parse($"{registry.Host}/team/app:1")), image, null).RunAsync(image.Target, "x", [], ["1"], Cancellation);
        Assert.All(registry.Requests, static r => Assert.DoesNotContain("Basic", r.Authorization, StringComparison.Ordinal));
        Assert.DoesNotContain(registry.Requests, static r => r.Line.Contains(Secret, StringComparison.Ordinal));

        // One for reading and writing, one for reading.
        Assert.InRange(tokens.Count("POST /token"), 1, 2);
        Assert.Equal(1, registry.Requests.Count(static r => r.Authorization.Length == 0));
    }

    [Fact]
    public async Task WithoutCredentials_ATokenForAnybodyIsFetched()
    {
        await using FaultyRegistry tokens = await FaultyRegistry.StartAsync();
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        AskForTokens(registry, tokens);
        new MadeImage().PutInto(registry, "a", "1");
        using RegistryClient client = new(FaultyRegistry.Quick());
        Assert.NotNull(await client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).FindManifestAsync("1", Cancellation));
        Assert.Equal("GET /token?service=s&scope=repository%3Aa%3Apull", Assert.Single(tokens.Requests).Line);
    }

    [Theory]
    [InlineData("http://registry.test/token")]
    [InlineData("ftp://127.0.0.1/token")]
    [InlineData("http://user:x@127.0.0.1/token")]
    [InlineData("")]
    public async Task ARealmThatIsNotSafe_GetsNothing(string realm)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context => ChallengeAsync(context, $"Bearer realm=\"{realm}\",service=\"s\"");
        using RegistryClient client = new(With(registry));
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.PingAsync(registry.Host, Cancellation));
        Assert.Equal(RegistryFailure.Denied, error.Failure);
        Assert.DoesNotContain(Secret, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task APassword_GoesToTheRegistryOnly()
    {
        await using FaultyRegistry storage = await FaultyRegistry.StartAsync();
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        MadeImage image = new();
        image.PutInto(registry, "a", "1");
        storage.Blobs[("x", image.Large.Digest.ToString())] = image[image.Large.Digest];
        registry.Fault = async context =>
        {
            if (context.Request.Headers.Authorization != Basic)
            {
                return await ChallengeAsync(context, "Basic realm=\"test\"");
            }

            if (context.Request.Path.Value!.Contains("/blobs/", StringComparison.Ordinal))
            {
                context.Response.StatusCode = 307;
                context.Response.Headers.Location = $"http://{storage.Host}/v2/x/blobs/{image.Large.Digest}";
                return true;
            }

            return false;
        };
        using RegistryClient client = new(With(registry));
        RegistryRepository repository = client.Repository(ImageReference.Parse($"{registry.Host}/a:1"));
        Assert.Equal(image[image.Large.Digest], await BlobReading.ReadAllAsync(await repository.OpenBlobAsync(image.Large, Cancellation), image.Large, 1 << 20, "x", Cancellation));
        Assert.Equal(string.Empty, Assert.Single(storage.Requests).Authorization);
    }

    [Fact]
    public async Task WrongAndMissingCredentials_AreTold()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context => ChallengeAsync(context, "Basic realm=\"test\"");
        using RegistryClient wrong = new(With(registry));
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => wrong.PingAsync(registry.Host, Cancellation));
        Assert.Equal(RegistryFailure.Unauthorized, refused.Failure);
        Assert.DoesNotContain(Secret, refused.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, registry.Requests.Count(r => r.Authorization == Basic));
        using RegistryClient none = new(FaultyRegistry.Quick());
        RegistryException missing = await Assert.ThrowsAsync<RegistryException>(() => none.PingAsync(registry.Host, Cancellation));
        Assert.Equal(RegistryFailure.Unauthorized, missing.Failure);
        registry.Fault = context => ChallengeAsync(context, "Negotiate");
        using RegistryClient unknown = new(With(registry));
        Assert.Equal(RegistryFailure.Unauthorized, (await Assert.ThrowsAsync<RegistryException>(() => unknown.PingAsync(registry.Host, Cancellation))).Failure);
    }

    [Fact]
    public async Task DockersConfiguration_HasCredentials()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = async context => context.Request.Headers.Authorization != Basic && await ChallengeAsync(context, "Basic realm=\"test\"");
        using TemporaryDirectory config = new();
        config.File("config.json", $$"""{"auths":{"{{registry.Host}}":{"auth":"{{Basic[6..]}}"} } }""");
        using RegistryClient client = new(FaultyRegistry.Quick(config.Path));
        Assert.Equal(registry.Host, await client.PingAsync(registry.Host, Cancellation));
    }

    [Fact]
    public async Task CredentialsAreThoseOfTheNameThatTheUserGives()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = async context => context.Request.Headers.Authorization != Basic && await ChallengeAsync(context, "Basic realm=\"test\"");
        using TemporaryDirectory folder = new();
        folder.Folder("made.test");
        folder.File("made.test/hosts.toml", $"server = \"http://{registry.Host}\"\n");
        using TemporaryDirectory config = new();
        config.File("config.json", $$"""{"auths":{"MADE.test:443":{"auth":"{{Basic[6..]}}"} } }""");
        RegistryOptions options = FaultyRegistry.Quick(config.Path) with { Settings = new RegistrySettings(folder.Path, []) };
        using RegistryClient stored = new(options);
        Assert.Equal(registry.Host, await stored.PingAsync("made.test", Cancellation));
        using RegistryClient given = new(options with { DockerConfigDirectory = "/nonexistent", Credentials = new Dictionary<string, RegistryCredential> { ["Made.test:443"] = new("user", Secret) } });
        Assert.Equal(registry.Host, await given.PingAsync("made.test", Cancellation));
    }

    [Fact]
    public async Task ALoginThatNobodyAskedFor_IsNotVerified()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        using RegistryClient client = new(With(registry));
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.PingAsync(registry.Host, Cancellation));
        Assert.Equal(RegistryFailure.Invalid, error.Failure);
        using RegistryClient none = new(FaultyRegistry.Quick());
        Assert.Equal(registry.Host, await none.PingAsync(registry.Host, Cancellation));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    [InlineData(0)]
    public async Task WhatPasses_IsTriedAgain(int status)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        new MadeImage().PutInto(registry, "a", "1");
        int failures = 0;
        registry.Fault = context =>
        {
            if (!context.Request.Path.Value!.Contains("/manifests/", StringComparison.Ordinal) || failures++ >= 2)
            {
                return Task.FromResult(false);
            }

            if (status == 0)
            {
                context.Abort();
            }

            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "0";
            return Task.FromResult(true);
        };
        List<string> notices = [];
        using RegistryClient client = new(FaultyRegistry.Quick() with { OnNotice = notices.Add });
        Assert.NotNull(await client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).FindManifestAsync("1", Cancellation));
        Assert.Equal(3, failures);
        Assert.Equal(2, notices.Count);
    }

    [Fact]
    public async Task ARegistryThatAsksForALongPause_IsNotWaitedFor()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context =>
        {
            context.Response.StatusCode = context.Request.Path == "/v2/" ? 200 : 429;
            context.Response.Headers.RetryAfter = "3600";
            return Task.FromResult(true);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).FindManifestAsync("1", Cancellation));
        Assert.Equal(RegistryFailure.TooManyRequests, error.Failure);
        Assert.Equal(1, registry.Count("GET /v2/a/"));
    }

    [Fact]
    public async Task ARegistryThatFailsForLong_IsGivenUp()
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context =>
        {
            context.Response.StatusCode = context.Request.Path == "/v2/" ? 200 : 500;
            return Task.FromResult(true);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).FindManifestAsync("1", Cancellation));
        Assert.Equal(RegistryFailure.Refused, error.Failure);
        Assert.Equal(5, registry.Count("GET /v2/a/"));
    }

    [Fact]
    public async Task WhereNobodyListens_TheErrorComesAtOnce()
    {
        using RegistryClient client = new(FaultyRegistry.Quick());
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.PingAsync("127.0.0.1:1", Cancellation));
        Assert.Equal(RegistryFailure.Unreachable, error.Failure);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/x/", 6)]
    [InlineData("ftp://127.0.0.1/x", 1)]
    [InlineData(null, 1)]
    public async Task Redirects_AreBounded(string? to, int most)
    {
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        registry.Fault = context =>
        {
            if (context.Request.Path == "/v2/")
            {
                return Task.FromResult(false);
            }

            context.Response.StatusCode = 302;
            context.Response.Headers.Location = to?.Replace("127.0.0.1:1", registry.Host, StringComparison.Ordinal);
            return Task.FromResult(true);
        };
        using RegistryClient client = new(FaultyRegistry.Quick());
        RegistryException error = await Assert.ThrowsAsync<RegistryException>(() => client.Repository(ImageReference.Parse($"{registry.Host}/a:1")).FindManifestAsync("1", Cancellation));
        Assert.Equal(RegistryFailure.Invalid, error.Failure);
        Assert.InRange(registry.Requests.Count - 1, 1, most);
    }

    [Fact]
    public async Task MirrorsAreAskedFirst_AndNothingIsSentToThem()
    {
        await using FaultyRegistry mirror = await FaultyRegistry.StartAsync();
        await using FaultyRegistry broken = await FaultyRegistry.StartAsync();
        await using FaultyRegistry registry = await FaultyRegistry.StartAsync();
        MadeImage image = new();
        image.PutInto(mirror, "a", "1");
        broken.Fault = static context =>
        {
            context.Response.StatusCode = 403;
            return Task.FromResult(true);
        };
        using TemporaryDirectory folder = new();
        folder.Folder("made.test_5000_");
        folder.File("made.test_5000_/hosts.toml", $"""
            server = "http://{registry.Host}"
            [host."http://{broken.Host}"]
              capabilities = ["pull", "resolve"]
            [host."http://{mirror.Host}"]
              capabilities = ["pull", "resolve"]
              [host."http://{mirror.Host}".header]
                x-team = ["a", "b"]
            """);
        using RegistryClient client = new(FaultyRegistry.Quick() with { Settings = new RegistrySettings(folder.Path, []) });
        RegistryRepository repository = client.Repository(ImageReference.Parse("made.test:5000/a:1"));
        Assert.Equal(image.Target.Digest, (await repository.GetManifestAsync("1", Cancellation)).Descriptor.Digest);
        Assert.Empty(registry.Requests);
        Assert.Contains(mirror.Requests, static r => r.Line == "GET /v2/a/manifests/1?ns=made.test%3A5000");
        await new ImagePush(repository, image, null).RunAsync(image.Target, "a", [], ["2"], Cancellation);
        Assert.True(registry.Manifests.ContainsKey(("a", "2")));
        Assert.All(mirror.Requests, static r => Assert.StartsWith("GET ", r.Line, StringComparison.Ordinal));
    }

    private static RegistryOptions With(FaultyRegistry registry) =>
        FaultyRegistry.Quick() with { Credentials = new Dictionary<string, RegistryCredential> { [registry.Host] = new("user", Secret) } };

    private static Task<bool> ChallengeAsync(HttpContext context, string challenge)
    {
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = challenge;
        return Task.FromResult(true);
    }

    private static void AskForTokens(FaultyRegistry registry, FaultyRegistry tokens)
    {
        tokens.Fault = async context =>
        {
            await context.Response.WriteAsync("""{"access_token":"made","expires_in":300}""");
            return true;
        };
        registry.Fault = async context => context.Request.Headers.Authorization != "Bearer made" && await ChallengeAsync(context, $"Bearer realm=\"http://{tokens.Host}/token\",service=\"s\"");
    }
}
