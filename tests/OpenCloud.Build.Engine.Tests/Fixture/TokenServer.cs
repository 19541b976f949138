using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>
/// A registry's token service on this process's loopback. Engines of the fixture have a loopback of their own and cannot reach it: who asks here
/// is the client.
/// </summary>
/// <remarks>distribution/distribution, docs/spec/auth/token.md, oauth.md and jwt.md: the token carries the certificate of its signer.</remarks>
internal sealed class TokenServer : IDisposable
{
    /// <summary>The issuer that the registry expects.</summary>
    public const string Issuer = "test tokens";

    /// <summary>The service that tokens are for.</summary>
    public const string Service = "test registry";

    private readonly HttpListener _listener = new();
    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _certificate;
    private readonly bool _knowsForms;

    private TokenServer(bool knowsForms)
    {
        _knowsForms = knowsForms;
        CertificateRequest request = new("CN=tokens", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        for (int attempt = 0; ; attempt++)
        {
            int port = Random.Shared.Next(20000, 60000);
            try
            {
                _listener.Prefixes.Clear();
                _listener.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
                _listener.Start();
                Realm = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/token");
                break;
            }
            catch (HttpListenerException) when (attempt < 5)
            {
            }
        }

        _ = ServeAsync();
    }

    /// <summary>Its address.</summary>
    public string Realm { get; } = "";

    /// <summary>The certificate that the registry trusts, as PEM text.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>What it was asked and what it said: method, scopes, status.</summary>
    public ConcurrentQueue<(string Method, string Scope, int Status)> Requests { get; } = new();

    /// <summary>What it answers whatever it is asked; null for what is right.</summary>
    public int? Always { get; init; }

    /// <summary>Starts it.</summary>
    /// <param name="knowsForms">Whether it knows OAuth's form; else only the older one, a GET with a password.</param>
    /// <param name="always">The status of every answer; null for what is right.</param>
    public static TokenServer Start(bool knowsForms, int? always = null) => new(knowsForms) { Always = always };

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Close();
        _certificate.Dispose();
        _key.Dispose();
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static Dictionary<string, string> Form(string text) => text.Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(static pair => pair.Split('=', 2))
        .GroupBy(static pair => pair[0])
        .ToDictionary(static g => g.Key, static g => string.Join(' ', g.Select(static p => WebUtility.UrlDecode(p[1]))));

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                await AnswerAsync(await _listener.GetContextAsync());
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        bool known;
        Dictionary<string, string> form;
        if (context.Request.HttpMethod == "POST")
        {
            using StreamReader reader = new(context.Request.InputStream);
            form = Form(await reader.ReadToEndAsync());
            known = _knowsForms && form.GetValueOrDefault("grant_type") == "password"
                && form.GetValueOrDefault("username") == RegistryServer.UserName && form.GetValueOrDefault("password") == RegistryServer.Password;
        }
        else
        {
            form = Form(context.Request.Url!.Query.TrimStart('?'));
            string both = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{RegistryServer.UserName}:{RegistryServer.Password}"));
            known = context.Request.Headers["Authorization"] == "Basic " + both;
        }

        int status = Always is { } always ? always : context.Request.HttpMethod == "POST" && !_knowsForms ? 405 : known && form.GetValueOrDefault("service") == Service ? 200 : 401;
        string scope = form.GetValueOrDefault("scope", "");
        Requests.Enqueue((context.Request.HttpMethod, scope, status));
        context.Response.StatusCode = status;
        if (status == 200)
        {
            string name = context.Request.HttpMethod == "POST" ? "access_token" : "token";
            byte[] answer = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { [name] = NewToken(scope), ["expires_in"] = 300 });
            await context.Response.OutputStream.WriteAsync(answer);
        }

        context.Response.Close();
    }

    private string NewToken(string scopes)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        object[] access = [.. scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static scope =>
        {
            string[] parts = scope.Split(':');
            return (object)new { type = parts[0], name = string.Join(':', parts[1..^1]), actions = parts[^1].Split(',') };
        })];
        string head = Encode(JsonSerializer.SerializeToUtf8Bytes(new { typ = "JWT", alg = "RS256", x5c = new[] { Convert.ToBase64String(_certificate.RawData) } }));
        string body = Encode(JsonSerializer.SerializeToUtf8Bytes(new
        {
            iss = Issuer,
            sub = RegistryServer.UserName,
            aud = Service,
            exp = now.AddMinutes(5).ToUnixTimeSeconds(),
            nbf = now.AddMinutes(-1).ToUnixTimeSeconds(),
            iat = now.ToUnixTimeSeconds(),
            jti = Guid.NewGuid().ToString("n"),
            access,
        }));
        byte[] signature = _key.SignData(Encoding.ASCII.GetBytes($"{head}.{body}"), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{head}.{body}.{Encode(signature)}";
    }
}
