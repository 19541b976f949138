using System.Buffers.Binary;
using System.Net.Sockets;

namespace OpenCloud.Build.Linux;

/// <summary>The process at the other end of a unix socket (SO_PEERCRED, unix(7)): the one that called listen, which for a socket unit is systemd.</summary>
/// <remarks>The process id is 0 when the process is in another pid namespace.</remarks>
internal sealed record PeerCredentials(int Pid, uint Uid, string? Program)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    public static PeerCredentials Of(Socket socket)
    {
        Span<byte> raw = stackalloc byte[12];
        socket.GetRawSocketOption(SolSocket, SoPeerCred, raw);
        int pid = BinaryPrimitives.ReadInt32LittleEndian(raw);
        return new PeerCredentials(pid, BinaryPrimitives.ReadUInt32LittleEndian(raw[4..]), ProgramOf(pid));
    }

    private static string? ProgramOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
