using System.Net.Sockets;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>Two connected streams over a unix socket.</summary>
internal sealed class StreamPair : IDisposable
{
    private StreamPair(NetworkStream server, NetworkStream client)
    {
        Server = server;
        Client = client;
    }

    public NetworkStream Server { get; }

    public NetworkStream Client { get; }

    public static async Task<StreamPair> CreateAsync()
    {
        // An address in Linux' abstract namespace leaves no file behind.
        UnixDomainSocketEndPoint address = new($"\0opencloud-build-test-{Guid.NewGuid():N}");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(address);
        listener.Listen(1);
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(address);
        Socket server = await listener.AcceptAsync();
        return new StreamPair(new NetworkStream(server, ownsSocket: true), new NetworkStream(client, ownsSocket: true));
    }

    public void Dispose()
    {
        Server.Dispose();
        Client.Dispose();
    }
}
