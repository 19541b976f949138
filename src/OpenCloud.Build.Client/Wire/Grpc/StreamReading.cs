using Grpc.Core;

namespace OpenCloud.Build.Client.Wire.Grpc;

internal static class StreamReading
{
    /// <summary>All messages of an answer. The call ends with the enumeration, or by the token of its options.</summary>
    public static async IAsyncEnumerable<T> ReadAllAsync<T>(this AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
            {
                yield return call.ResponseStream.Current;
            }
        }
    }
}
