using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OpenCloud.Build.Client.Images.Registries;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>A registry on loopback that keeps all in memory, notes what it is asked, and fails where a test wants it to.</summary>
/// <remarks>distribution-spec, spec.md. It shares nothing with the client.</remarks>
internal sealed class FaultyRegistry : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentDictionary<string, MemoryStream> _uploads = new();

    private FaultyRegistry(WebApplication application) => _application = application;

    public string Host => new Uri(_application.Urls.Single()).Authority;

    /// <summary>Contents by repository and digest.</summary>
    public ConcurrentDictionary<(string Repository, string Digest), byte[]> Blobs { get; } = new();

    /// <summary>Manifests by repository and tag or digest.</summary>
    public ConcurrentDictionary<(string Repository, string Reference), (string Type, byte[] Bytes)> Manifests { get; } = new();

    /// <summary>Method and address of each request, and its Authorization.</summary>
    public ConcurrentQueue<(string Line, string Authorization)> Requests { get; } = new();

    /// <summary>Answers a request in place of the registry; false lets the registry answer.</summary>
    public Func<HttpContext, Task<bool>> Fault { get; set; } = static _ => Task.FromResult(false);

    /// <summary>Ends an upload's request after that many bytes, once.</summary>
    public int? CutUploadAfter { get; set; }

    public bool KnowsRanges { get; set; } = true;

    public bool KnowsReferrers { get; set; } = true;

    public int UploadsOpen => _uploads.Count;

    public static async Task<FaultyRegistry> StartAsync(X509Certificate2? certificate = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;

            // A flush waits until the kernel has the bytes: what is aborted afterwards has been sent, its headers above all.
            kestrel.Limits.MaxResponseBufferSize = 0;
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen =>
            {
                if (certificate is not null)
                {
                    listen.UseHttps(certificate);
                }
            });
        });
        FaultyRegistry? registry = null;
        WebApplication application = builder.Build();
        application.Run(context => registry!.ServeAsync(context));
        registry = new FaultyRegistry(application);
        await application.StartAsync();
        return registry;
    }

    /// <summary>Options that do not wait long.</summary>
    public static RegistryOptions Quick(string? config = null) => new()
    {
        FirstPause = TimeSpan.FromMilliseconds(5),
        StallTimeout = TimeSpan.FromSeconds(20),
        SmallContent = 1000,
        ChunkSize = 100_000,
        DockerConfigDirectory = config ?? "/nonexistent",
        Settings = new RegistrySettings("/nonexistent", []),
    };

    public static string DigestOf(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    public int Count(string beginning) => Requests.Count(r => r.Line.StartsWith(beginning, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private static async Task WriteErrorAsync(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync($$"""{"errors":[{"code":"{{code}}","message":"no\u001b[31m such thing"}]}""");
    }

    private async Task ServeAsync(HttpContext context)
    {
        Requests.Enqueue(($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}", context.Request.Headers.Authorization.ToString()));
        try
        {
            if (!await Fault(context))
            {
                await AnswerAsync(context);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client gave the request up, or the test cut it.
        }
    }

    private Task AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        if (path == "/v2/")
        {
            return context.Response.WriteAsync("{}");
        }

        string[] parts = path.Split('/');
        int kind = Array.FindIndex(parts, static p => p is "blobs" or "manifests" or "tags" or "referrers");
        string repository = string.Join('/', parts[2..kind]);
        return (parts[kind], parts[kind + 1]) switch
        {
            ("blobs", "uploads") => UploadAsync(context, repository, parts.Length > kind + 2 ? parts[kind + 2] : string.Empty),
            ("blobs", var digest) => BlobAsync(context, repository, digest),
            ("manifests", var reference) => ManifestAsync(context, repository, reference),
            ("tags", _) => TagsAsync(context, repository),
            (_, var digest) => ReferrersAsync(context, repository, digest),
        };
    }

    private async Task BlobAsync(HttpContext context, string repository, string digest)
    {
        if (!Blobs.TryGetValue((repository, digest), out byte[]? bytes))
        {
            await WriteErrorAsync(context, 404, "BLOB_UNKNOWN");
            return;
        }

        int from = 0;
        if (KnowsRanges && context.Request.Headers.Range.ToString() is { Length: > 0 } range)
        {
            from = int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{bytes.Length - 1}/{bytes.Length}";
        }

        context.Response.ContentLength = bytes.Length - from;
        if (context.Request.Method == "GET")
        {
            await context.Response.Body.WriteAsync(bytes.AsMemory(from));
        }
    }

    private async Task ManifestAsync(HttpContext context, string repository, string reference)
    {
        if (context.Request.Method == "PUT")
        {
            using MemoryStream body = new();
            await context.Request.Body.CopyToAsync(body);
            string digest = DigestOf(body.ToArray());
            Manifests[(repository, digest)] = (context.Request.ContentType!, body.ToArray());
            Manifests[(repository, reference)] = (context.Request.ContentType!, body.ToArray());
            context.Response.StatusCode = 201;
            context.Response.Headers["Docker-Content-Digest"] = digest;
            return;
        }

        if (!Manifests.TryGetValue((repository, reference), out (string Type, byte[] Bytes) manifest))
        {
            await WriteErrorAsync(context, 404, "MANIFEST_UNKNOWN");
            return;
        }

        context.Response.ContentType = manifest.Type;
        context.Response.ContentLength = manifest.Bytes.Length;
        context.Response.Headers["Docker-Content-Digest"] = DigestOf(manifest.Bytes);
        if (context.Request.Method == "GET")
        {
            await context.Response.Body.WriteAsync(manifest.Bytes);
        }
    }

    private async Task TagsAsync(HttpContext context, string repository)
    {
        string[] all = [.. Manifests.Keys.Where(k => k.Repository == repository && !k.Reference.Contains(':', StringComparison.Ordinal)).Select(static k => k.Reference).Order(StringComparer.Ordinal)];
        string last = context.Request.Query["last"].ToString();
        string[] page = [.. all.Where(t => string.CompareOrdinal(t, last) > 0).Take(2)];
        if (page.Length > 0 && page[^1] != all[^1])
        {
            context.Response.Headers.Link = $"</v2/{repository}/tags/list?last={page[^1]}&n=2>; rel=\"next\"";
        }

        await context.Response.WriteAsync(JsonSerializer.Serialize(new { name = repository, tags = page }));
    }

    private async Task ReferrersAsync(HttpContext context, string repository, string digest)
    {
        if (!KnowsReferrers)
        {
            await WriteErrorAsync(context, 404, "UNSUPPORTED");
            return;
        }

        object[] found = [.. Manifests.Where(m => m.Key.Repository == repository && m.Key.Reference.StartsWith("sha256:", StringComparison.Ordinal) && System.Text.Encoding.UTF8.GetString(m.Value.Bytes).Contains($"\"subject\":{{\"digest\":\"{digest}\"", StringComparison.Ordinal))
            .Select(static m => (object)new { mediaType = m.Value.Type, digest = m.Key.Reference, size = m.Value.Bytes.Length })];
        context.Response.ContentType = "application/vnd.oci.image.index.v1+json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(new { schemaVersion = 2, manifests = found }));
    }

    private async Task UploadAsync(HttpContext context, string repository, string id)
    {
        if (context.Request.Method == "POST")
        {
            string mount = context.Request.Query["mount"].ToString();
            if (mount.Length > 0 && Blobs.TryGetValue((context.Request.Query["from"].ToString(), mount), out byte[]? there))
            {
                Blobs[(repository, mount)] = there;
                context.Response.StatusCode = 201;
                return;
            }

            id = Guid.NewGuid().ToString("n");
            _uploads[id] = new MemoryStream();
        }
        else if (!_uploads.ContainsKey(id))
        {
            await WriteErrorAsync(context, 404, "BLOB_UPLOAD_UNKNOWN");
            return;
        }

        MemoryStream upload = _uploads[id];
        if (context.Request.Method == "DELETE")
        {
            _uploads.TryRemove(id, out _);
            context.Response.StatusCode = 204;
            return;
        }

        if (context.Request.Method is "PATCH" or "PUT")
        {
            if (context.Request.Headers.ContentRange.ToString() is { Length: > 0 } range && !range.StartsWith($"{upload.Length}-", StringComparison.Ordinal))
            {
                await WriteErrorAsync(context, 416, "RANGE_INVALID");
                return;
            }

            byte[] buffer = new byte[10_000];
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer)) > 0)
            {
                upload.Write(buffer, 0, read);
                if (upload.Length >= CutUploadAfter)
                {
                    CutUploadAfter = null;
                    context.Abort();
                    return;
                }
            }
        }

        if (context.Request.Method == "PUT")
        {
            string digest = context.Request.Query["digest"].ToString();
            if (digest != DigestOf(upload.ToArray()))
            {
                await WriteErrorAsync(context, 400, "DIGEST_INVALID");
                return;
            }

            Blobs[(repository, digest)] = upload.ToArray();
            _uploads.TryRemove(id, out _);
            context.Response.StatusCode = 201;
            return;
        }

        context.Response.StatusCode = context.Request.Method == "GET" ? 204 : 202;
        context.Response.Headers.Location = $"/v2/{repository}/blobs/uploads/{id}?state=x%2Fy";
        context.Response.Headers.Range = $"0-{Math.Max(upload.Length - 1, 0)}";
    }
}
