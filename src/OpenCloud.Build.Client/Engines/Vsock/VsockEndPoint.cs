using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace OpenCloud.Build.Client.Engines.Vsock;

/// <summary>
/// A context id and a port in the kernel's form: struct sockaddr_vm (linux/vm_sockets.h), 16 bytes with the family at 0, the
/// port at 4 and the context id at 8, in the machine's byte order.
/// </summary>
internal sealed class VsockEndPoint(uint contextId, uint port) : EndPoint
{
    /// <summary>AF_VSOCK, which <see cref="System.Net.Sockets.AddressFamily"/> lacks.</summary>
    public const int Family = 40;

    private const int Size = 16;

    // .NET compares it with the socket's family, which it does not know either.
    public override AddressFamily AddressFamily => AddressFamily.Unknown;

    public override SocketAddress Serialize()
    {
        // Unspecified, so that .NET does not overwrite our family.
        SocketAddress address = new(AddressFamily.Unspecified, Size);
        Span<byte> bytes = address.Buffer.Span;
        bytes.Clear();
        WriteNative16(bytes, Family);
        WriteNative32(bytes[4..], port);
        WriteNative32(bytes[8..], contextId);
        return address;
    }

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
