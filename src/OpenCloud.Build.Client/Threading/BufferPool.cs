using System.Buffers;

namespace OpenCloud.Build.Client.Threading;

/// <summary>
/// Arrays of a session, up to 256 KiB. The pool that all share keeps some for each thread, which are lost with the threads of a session:
/// every build then took new ones, until the next full collection.
/// </summary>
internal static class BufferPool
{
    private const int LargestArray = 256 * 1024;
    private const int ArraysOfASize = 8;

    /// <summary>The pool: at most 4 MiB of idle arrays.</summary>
    public static ArrayPool<byte> Shared { get; } = ArrayPool<byte>.Create(LargestArray, ArraysOfASize);
}
