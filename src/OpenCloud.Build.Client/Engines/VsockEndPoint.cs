using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// A context id and a port as the kernel wants them: struct sockaddr_vm (linux/vm_sockets.h), 16 bytes with the family at 0, the
/// port at 4 and the context id at 8, in the machine's byte order.
/// </summary>
internal sealed class VsockEndPoint(uint contextId, uint port) : EndPoint
{
    /// <summary>AF_VSOCK, which .NET's <see cref="System.Net.Sockets.AddressFamily"/> does not have.</summary>
    public const int Family = 40;

    private const int Size = 16;

    /// <inheritdoc/>
    // .NET compares it with the family of the socket, which is unknown to it as well.
    public override AddressFamily AddressFamily => AddressFamily.Unknown;

    /// <inheritdoc/>
    public override SocketAddress Serialize()
    {
        // Unspecified, so that .NET writes no family of its own over ours.
        SocketAddress address = new(AddressFamily.Unspecified, Size);
        Span<byte> bytes = address.Buffer.Span;
        bytes.Clear();
        WriteNative16(bytes, Family);
        WriteNative32(bytes[4..], port);
        WriteNative32(bytes[8..], contextId);
        return address;
    }

    /// <inheritdoc/>
    public override string ToString() => $"vsock://{contextId}:{port}";

    private static void WriteNative16(Span<byte> into, ushort value)
    {
        if (BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(into, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(into, value);
        }
    }

    private static void WriteNative32(Span<byte> into, uint value)
    {
        if (BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(into, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(into, value);
        }
    }
}
