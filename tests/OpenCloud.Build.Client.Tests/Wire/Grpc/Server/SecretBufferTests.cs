using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Secrets;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Tests.Wire.Http2;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc.Server;

/// <summary>After a build no array that others are given holds a secret of it.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class SecretBufferTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(5_000)]
    [InlineData(200_000)]
    [InlineData(500 * 1024)]
    public async Task No_pooled_array_keeps_a_secret_that_was_served(int length)
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        byte[] secret = RandomNumberGenerator.GetBytes(length);
        GetSecretResponse answer;
        using (SecretsService service = new(new Dictionary<string, BuildSecret> { ["s"] = BuildSecret.FromBytes(secret) }, stop))
        {
            GrpcServer server = new();
            Secrets.BindService(server, service);
            await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
            byte[] request = new GetSecretRequest { ID = "s" }.ToByteArray();
            byte[] framed = [0, 0, 0, 0, (byte)request.Length, .. request];
            using HttpResponseMessage response = await peer.SendAsync(
                "/moby.buildkit.secrets.v1.Secrets/GetSecret", new ByteArrayContent(framed) { Headers = { { "content-type", "application/grpc" } } }, stop);

            // Into an array of the test's: .NET's client would take one of the pool that all share.
            byte[] body = new byte[secret.Length + 64];
            int read = await (await response.Content.ReadAsStreamAsync(stop)).ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, stop);
            Assert.InRange(read, secret.Length, body.Length);
            answer = GetSecretResponse.Parser.ParseFrom(body, 5, BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(1)));
        }

        Assert.Equal(secret, answer.Data.ToByteArray());
        Assert.Equal([], PooledWith(secret));
    }

    [Fact]
    public void A_buffer_gives_its_array_back_empty()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(3000);
        PooledBuffer buffer = new(1024, 16);
        buffer.Append(secret);
        buffer.Consume(2000);
        buffer.Append(secret);
        buffer.Append(new byte[100_000]);
        buffer.Consume(buffer.Length);
        buffer.Append([1]);
        buffer.Dispose();
        Assert.Equal([], PooledWith(secret));
    }

    /// <summary>The sizes of idle arrays that hold any 16 bytes of a secret's beginning, middle or end.</summary>
    private static List<int> PooledWith(byte[] secret)
    {
        List<byte[]> parts = [secret[..16], secret[(secret.Length / 2)..][..16], secret[^16..]];
        List<byte[]> rented = [];
        List<int> found = [];
        for (int size = 16; size <= 1024 * 1024; size *= 2)
        {
            for (int i = 0; i < 16; i++)
            {
                byte[] array = BufferPool.Rent(size);
                rented.Add(array);
                if (parts.Exists(part => array.AsSpan().IndexOf(part) >= 0))
                {
                    found.Add(array.Length);
                }
            }
        }

        rented.ForEach(BufferPool.Return);
        return found;
    }
}
