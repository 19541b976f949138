using System.Buffers;

namespace OpenCloud.Build.Client.Threading;

/// <summary>
/// Arrays of a session. The shared pool caches some per thread, which are lost with the threads of a session: every build then
/// allocated new ones, until the next full collection. It is only used for arrays above 256 KiB.
/// </summary>
internal static class BufferPool
{
    private const int LargestArray = 256 * 1024;
    private const int ArraysOfASize = 8;

    // The shared pool would keep larger arrays, too, some for each thread and processor.
    private const int LargestKept = 4 * 1024 * 1024;

    // At most 4 MiB of idle arrays.
    private static readonly ArrayPool<byte> Small = ArrayPool<byte>.Create(LargestArray, ArraysOfASize);

    /// <summary>An array of at least the given length in bytes; empty for 0.</summary>
    public static byte[] Rent(int length) => length == 0 ? [] : Of(length).Rent(length);

    public static void Return(byte[] array)
    {
        if (array.Length is > 0 and <= LargestKept)
        {
            Of(array.Length).Return(array);
        }
    }

    private static ArrayPool<byte> Of(int length) => length <= LargestArray ? Small : ArrayPool<byte>.Shared;
}
