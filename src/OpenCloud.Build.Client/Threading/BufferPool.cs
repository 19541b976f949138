using System.Buffers;

namespace OpenCloud.Build.Client.Threading;

/// <summary>
/// Arrays of a session. The pool that all share keeps some for each thread, which are lost with the threads of a session: every build then
/// took new ones, until the next full collection. It is only asked for arrays above 256 KiB.
/// </summary>
internal static class BufferPool
{
    private const int LargestArray = 256 * 1024;
    private const int ArraysOfASize = 8;

    // The shared pool would keep larger ones, too, some for each thread and processor.
    private const int LargestKept = 4 * 1024 * 1024;

    // At most 4 MiB of idle arrays.
    private static readonly ArrayPool<byte> Small = ArrayPool<byte>.Create(LargestArray, ArraysOfASize);

    /// <summary>An array of at least so many bytes; an empty one for none.</summary>
    public static byte[] Rent(int length) => length == 0 ? [] : Of(length).Rent(length);

    /// <summary>Takes an array back.</summary>
    public static void Return(byte[] array)
    {
        if (array.Length is > 0 and <= LargestKept)
        {
            Of(array.Length).Return(array);
        }
    }

    private static ArrayPool<byte> Of(int length) => length <= LargestArray ? Small : ArrayPool<byte>.Shared;
}
