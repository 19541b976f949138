using System.Buffers.Binary;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

/// <summary>A gRPC server that shares nothing with the client: Kestrel on a unix socket, gRPC written by hand above it.</summary>
internal sealed class GrpcPeer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly DirectoryInfo _directory;

    private GrpcPeer(WebApplication application, DirectoryInfo directory, string path)
    {
        _application = application;
        _directory = directory;
        Path = path;
    }

    public string Path { get; }

    public EngineAddress Address => EngineAddress.ForUnixSocket(Path);

    public static async Task<GrpcPeer> StartAsync(RequestDelegate handler, Action<Http2Limits>? limits = null)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("ocb");
        string path = System.IO.Path.Combine(directory.FullName, "peer.sock");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            limits?.Invoke(kestrel.Limits.Http2);
            kestrel.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http2);
        });
        WebApplication application = builder.Build();
        application.Run(async context =>
        {
            try
            {
                await handler(context);
            }
            catch (Exception e) when (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
            {
                // The client gave the call up.
            }
        });
        await application.StartAsync();
        return new GrpcPeer(application, directory, path);
    }

    public EngineChannel Connect() => new(EngineConnectors.Create(Address, new EngineConnectOptions()));

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
        _directory.Delete(true);
    }
}

internal static class GrpcPeerExtensions
{
    public static async Task StartGrpcAsync(this HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        await context.Response.StartAsync();
        await context.Response.Body.FlushAsync();
    }

    public static async Task SendAsync(this HttpContext context, IMessage message)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "application/grpc";
        }

        byte[] bytes = message.ToByteArray();
        byte[] prefix = new byte[5];
        BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), bytes.Length);
        await context.Response.Body.WriteAsync(prefix);
        await context.Response.Body.WriteAsync(bytes);
        await context.Response.Body.FlushAsync();
    }

    public static async Task<T?> ReceiveAsync<T>(this HttpContext context, MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        byte[] prefix = new byte[5];
        if (await context.Request.Body.ReadAtLeastAsync(prefix, 5, throwOnEndOfStream: false, context.RequestAborted) < 5)
        {
            return null;
        }

        byte[] bytes = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))];
        await context.Request.Body.ReadExactlyAsync(bytes, context.RequestAborted);
        return parser.ParseFrom(bytes);
    }

    public static void End(this HttpContext context, StatusCode code = StatusCode.OK, string? message = null, string? details = null)
    {
        // Before the headers are out, headers are what a server without messages sends ("Trailers-Only").
        bool trailersOnly = !context.Response.HasStarted;
        if (trailersOnly)
        {
            context.Response.ContentType = "application/grpc";
        }

        Add("grpc-status", ((int)code).ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (message is not null)
        {
            Add("grpc-message", message);
        }

        if (details is not null)
        {
            Add("grpc-status-details-bin", details);
        }

        void Add(string name, string value)
        {
            if (trailersOnly)
            {
                context.Response.Headers[name] = value;
            }
            else
            {
                context.Response.AppendTrailer(name, value);
            }
        }
    }
}
