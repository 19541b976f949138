using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using Grpc.Core;
using OpenCloud.Build.Client.Tests.Wire.Http2;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc.Server;

/// <summary>What a session's calls hold together, by the process's resident memory. Alone, as others' memory counts as well.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class SessionMemoryTests
{
    private const int Calls = 64;
    private const int Whole = MessageLimits.Largest;
    private const string Path = "/moby.filesync.v1.FileSend/DiffCopy";

    [Fact]
    public async Task Many_calls_that_never_complete_a_message_share_a_budget()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        GrpcServer server = new();
        server.Add(Path, static async call =>
        {
            while (await call.ReadMessageAsync(call.CancellationToken) is { } message)
            {
                message.Dispose();
            }
        });
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        long before = Resident();
        List<Unfinished> contents = [.. Enumerable.Range(0, Calls).Select(static _ => new Unfinished())];
        List<Task<HttpResponseMessage>> answers = [.. contents.Select(c => peer.SendAsync(Path, c, stop))];
        Task allSentOrRefused = Task.WhenAll(contents.Select((content, i) => Task.WhenAny(content.Sent.Task, answers[i])));
        await allSentOrRefused.WaitAsync(TimeSpan.FromSeconds(60), stop);
        long grown = Resident() - before;

        // What is refused is refused with a status; the rest is still being sent.
        List<HttpResponseMessage> refused = [.. answers.Where(static a => a.IsCompletedSuccessfully).Select(static a => a.Result)];
        Assert.InRange(refused.Count, Calls - (int)(MessageLimits.OfSession / (Whole / 2)), Calls - 1);
        Assert.All(refused, static answer => Assert.Equal(((int)StatusCode.ResourceExhausted).ToString(CultureInfo.InvariantCulture), StatusOf(answer)));
        Assert.True(grown <= 256L << 20, $"{grown >> 20} MiB more");
        TestContext.Current.TestOutputHelper?.WriteLine($"{Calls} calls of {Whole >> 20} MiB: {grown >> 20} MiB more, {refused.Count} refused");

        // The budget comes back with the calls.
        contents.ForEach(static c => c.End.TrySetResult());
        foreach (Task answer in answers)
        {
            await Task.WhenAny(answer, Task.Delay(TimeSpan.FromSeconds(30), stop));
        }

        using HttpResponseMessage last = await peer.SendAsync(Path, new ByteArrayContent([0, 0, 0, 0, 1, 7]) { Headers = { { "content-type", "application/grpc" } } }, stop);
        await last.Content.ReadAsByteArrayAsync(stop);
        Assert.Equal("0", StatusOf(last));
    }

    [Fact]
    public void A_call_alone_gets_what_its_method_allows()
    {
        MessageBudget budget = new(100);
        budget.Take(1000, 0);
        budget.Take(1000, 1000);
        Assert.Equal(StatusCode.ResourceExhausted, Assert.Throws<RpcException>(() => budget.Take(1, 0)).StatusCode);
        Assert.Equal(2000, budget.Held);
        budget.Return(2000);
        budget.Take(60, 0);
        budget.Take(40, 0);
        Assert.Throws<RpcException>(() => budget.Take(1, 60));
    }

    private static string StatusOf(HttpResponseMessage answer) =>
        answer.TrailingHeaders.TryGetValues("grpc-status", out IEnumerable<string>? values) || answer.Headers.TryGetValues("grpc-status", out values) ? values.Single() : string.Empty;

    private static long Resident()
    {
        // What is garbage is given back first: it is what is held that counts.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
    }

    /// <summary>A message that is claimed whole and comes but for its last byte.</summary>
    private sealed class Unfinished : HttpContent
    {
        private static readonly byte[] Piece = new byte[64 * 1024];

        public Unfinished() => Headers.ContentType = new("application/grpc");

        public TaskCompletionSource Sent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            byte[] prefix = new byte[5];
            BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), Whole);
            await stream.WriteAsync(prefix);
            for (int left = Whole - 1; left > 0;)
            {
                int count = Math.Min(left, Piece.Length);
                await stream.WriteAsync(Piece.AsMemory(0, count));
                left -= count;
            }

            await stream.FlushAsync();
            Sent.TrySetResult();
            await End.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
