using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Fuzz;

/// <summary>
/// The receiving side of a directory output, on a real directory that has a link out of it: whatever packets come, nothing appears or changes
/// outside. An input is packets, each behind a byte with its length.
/// </summary>
internal sealed class ReceiverTarget
{
    private static readonly ReceiveLimits Limits = new() { MaxEntries = 64, MaxFileBytes = 64 * 1024, MaxTotalBytes = 256 * 1024 };

    private readonly string _place;
    private readonly string _outside;
    private readonly string _sentinel;
    private readonly DateTime _written;

    public ReceiverTarget(string scratch)
    {
        _place = Path.Combine(scratch, "receiver", "place");
        _outside = Path.Combine(scratch, "receiver", "outside");
        _sentinel = Path.Combine(_outside, "sentinel");
        Directory.CreateDirectory(_place);
        Directory.CreateDirectory(_outside);
        File.WriteAllText(_sentinel, "as it was");
        _written = File.GetLastWriteTimeUtc(_sentinel);
    }

    public void Run(byte[] input)
    {
        string output = Path.Combine(_place, "out");
        Directory.CreateDirectory(output);
        File.CreateSymbolicLink(Path.Combine(output, "l"), "../../outside");
        try
        {
            using OutputDirectory directory = new(output);
            Packets packets = new(input);
            try
            {
                new DirectoryReceiver(packets, directory, Limits, new ReceiveCounters()).RunAsync(static () => Task.CompletedTask, CancellationToken.None).GetAwaiter().GetResult();
            }
            catch (ContextException)
            {
            }
        }
        finally
        {
            // By descriptors: names that are no text are the point.
            TreeRemoval.Remove(output);
        }

        if (Directory.GetFileSystemEntries(_place).Length != 0
            || Directory.GetFileSystemEntries(_outside).Length != 1
            || Directory.GetFileSystemEntries(Path.GetDirectoryName(_place)!).Length != 2
            || File.GetLastWriteTimeUtc(_sentinel) != _written
            || File.ReadAllText(_sentinel) != "as it was")
        {
            throw new InvalidOperationException("something outside of the output has changed");
        }
    }

    private sealed class Packets(byte[] input) : IFramedMessages
    {
        private int _at;

        public ValueTask<ReceivedMessage?> ReadMessageAsync(CancellationToken cancellationToken)
        {
            if (_at >= input.Length)
            {
                return ValueTask.FromResult<ReceivedMessage?>(null);
            }

            int length = Math.Min(input[_at], input.Length - _at - 1);
            byte[] array = BufferPool.Rent(length);
            input.AsSpan(_at + 1, length).CopyTo(array);
            _at += 1 + length;
            return ValueTask.FromResult<ReceivedMessage?>(new ReceivedMessage(array, length));
        }

        public ValueTask WriteFramedAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken, bool moreFollows = false) => ValueTask.CompletedTask;
    }
}
