using System.Buffers.Binary;
using System.Net.Sockets;

namespace OpenCloud.Build.Linux;

/// <summary>Who listens at the other end of a unix socket (SO_PEERCRED, unix(7)): the process that called listen, which for a socket unit is systemd.</summary>
/// <param name="Pid">Its process id; 0 when it lives in another pid namespace.</param>
/// <param name="Uid">Its user.</param>
/// <param name="Program">Its name, when it can be read.</param>
internal sealed record PeerCredentials(int Pid, uint Uid, string? Program)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    /// <summary>Asks the kernel.</summary>
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
