using System.Buffers.Binary;

namespace OpenCloud.Build.Client.Session;

/// <summary>
/// Filters requests to an SSH agent: only those for its keys and for signatures pass. Everything else, such as adding, removing or locking keys, is answered
/// with a failure in place of the agent.
/// </summary>
/// <remarks>
/// draft-ietf-sshm-ssh-agent, sections 3 and 6.1: a message is its length, big-endian, then a type and a body. The agent answers each
/// request with one message, in order.
/// </remarks>
internal static class SshAgentFilter
{
    /// <summary>The longest message, as in OpenSSH's own agent (sshbuf and ssh-agent.c).</summary>
    public const int MaxMessage = 256 * 1024;

    private const byte RequestIdentities = 11;
    private const byte SignRequest = 13;

    /// <summary>The agent's answer for a failure.</summary>
    public static byte[] Failure { get; } = [0, 0, 0, 1, 5];

    /// <summary>Whether a request, a whole message with its length, may pass.</summary>
    public static bool IsAllowed(ReadOnlySpan<byte> message) => message.Length > 4 && message[4] is RequestIdentities or SignRequest;

    /// <summary>The length of the message at the start of some bytes, including its four length bytes; null when these are incomplete.</summary>
    /// <exception cref="InvalidDataException">The message is empty or too long.</exception>
    public static int? LengthOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4)
        {
            return null;
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return length is > 0 and <= MaxMessage ? (int)length + 4 : throw new InvalidDataException($"The SSH agent message of {length} bytes is too large.");
    }
}
