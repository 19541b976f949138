using Grpc.Core;

namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// The memory that the messages of all calls of a connection hold together: those that are not complete, and the last of each call, which its
/// handler works on. Without it each of many calls could hold a whole message's worth. Safe for concurrent use.
/// </summary>
/// <param name="most">The bytes.</param>
internal sealed class MessageBudget(long most)
{
    private long _held;

    /// <summary>The bytes that are held.</summary>
    public long Held => Volatile.Read(ref _held);

    /// <summary>Takes bytes; a call that is the only one to hold any gets what its method's limit allows.</summary>
    /// <param name="count">How many more.</param>
    /// <param name="own">How many the call holds already.</param>
    /// <exception cref="RpcException">The calls hold too much together.</exception>
    public void Take(int count, int own)
    {
        if (Interlocked.Add(ref _held, count) is var held && held > most && held > own + (long)count)
        {
            Interlocked.Add(ref _held, -count);
            throw CallErrors.Create(StatusCode.ResourceExhausted, $"The calls of this session hold messages of more than {most} bytes together.");
        }
    }

    /// <summary>Gives bytes back.</summary>
    public void Return(int count) => Interlocked.Add(ref _held, -count);
}
