using Grpc.Core;

namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// The bytes that the messages of all calls of a connection may hold together: incomplete messages, and the last of each call, which its
/// handler works on. Without it each of many calls could hold a message of the largest size. Safe for concurrent use.
/// </summary>
internal sealed class MessageBudget(long most)
{
    private long _held;

    public long Held => Volatile.Read(ref _held);

    /// <summary>Adds bytes to those that a call already holds; a call that is the only holder gets what its method's limit allows.</summary>
    /// <exception cref="RpcException">The calls together hold too much.</exception>
    public void Take(int count, int own)
    {
        if (Interlocked.Add(ref _held, count) is var held && held > most && held > own + (long)count)
        {
            Interlocked.Add(ref _held, -count);
            throw CallErrors.Create(StatusCode.ResourceExhausted, $"The calls of this session hold messages of more than {most} bytes in total.");
        }
    }

    public void Return(int count) => Interlocked.Add(ref _held, -count);
}
