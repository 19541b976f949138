using System.Buffers;
using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Content;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Session;

/// <summary>
/// The session's attachable for contents by digest: containerd's content service, with one more header that names the store. It serves
/// OCI layouts as contexts (<c>oci:NAME</c>) and local caches (<c>local:DIRECTORY</c>), and takes exports into a directory (<c>export</c>).
/// </summary>
/// <remarks>
/// The header and the names: moby/buildkit, session/content/attachable.go and client/solve.go. What the service answers:
/// containerd, plugins/services/content/contentserver. The daemon reads, lists and writes; it may not delete or relabel anything.
/// </remarks>
internal sealed class ContentStoreService : Content.ContentBase
{
    private const string StoreHeader = "buildkit-attachable-store-id";
    private const int ChunkSize = 1024 * 1024;

    private readonly Dictionary<string, ISessionContentStore> _stores = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Store, string Reference), byte> _writing = new();
    private Exception? _failure;

    public IReadOnlyCollection<string> Names => _stores.Keys;

    /// <summary>The first local failure; null when there is none.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Declares a store; the daemon can use declared stores only.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Add(string name, ISessionContentStore store) => _stores.Add(name, store);

    /// <summary>Declares a store in place of one of the same name: a directory that a build reads from and writes to.</summary>
    public void Set(string name, ISessionContentStore store) => _stores[name] = store;

    public void BindTo(GrpcServer server)
    {
        if (_stores.Count > 0)
        {
            Content.BindService(server, this);
        }
    }

    private static ContentDigest DigestOf(string text) => ContentDigest.TryParse(text, out ContentDigest digest)
        ? digest
        : throw Error(StatusCode.InvalidArgument, "the digest is unknown");

    private static long LengthOf(ISessionContentStore store, ContentDigest digest)
        => store.GetLength(digest) ?? throw Error(StatusCode.NotFound, $"content {digest}: not found");

    private static RpcException Error(StatusCode code, string message) => CallErrors.Create(code, message);

    public override Task<InfoResponse> Info(InfoRequest request, ServerCallContext context)
    {
        ISessionContentStore store = StoreOf(context).Store;
        ContentDigest digest = DigestOf(request.Digest);
        return Task.FromResult(new InfoResponse { Info = new Info { Digest = digest.ToString(), Size = LengthOf(store, digest) } });
    }

    public override Task<Empty> Abort(AbortRequest request, ServerCallContext context) => Task.FromResult(new Empty());

    public override async Task Read(ReadContentRequest request, IServerStreamWriter<ReadContentResponse> responseStream, ServerCallContext context)
    {
        CancellationToken cancellationToken = context.CancellationToken;
        ISessionContentStore store = StoreOf(context).Store;
        ContentDigest digest = DigestOf(request.Digest);
        long length = LengthOf(store, digest);
        long offset = Math.Max(0, request.Offset);
        if (offset > length)
        {
            throw Error(StatusCode.OutOfRange, $"content {digest} ends before {offset}");
        }

        // A size of 0, or past the end, means all that is left.
        long left = request.Size > 0 ? Math.Min(request.Size, length - offset) : length - offset;
        Stream content = store.Open(digest);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(ChunkSize, Math.Max(left, 1)));
        try
        {
            content.Position = offset;
            long sent = 0;
            while (left > 0)
            {
                int count = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    throw Error(StatusCode.DataLoss, $"content {digest} became shorter");
                }

                ReadContentResponse response = new() { Offset = sent, Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, count)) };
                await responseStream.WriteAsync(response, cancellationToken).ConfigureAwait(false);
                sent += count;
                left -= count;
            }
        }
        finally
        {
            await content.DisposeAsync().ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public override async Task Write(IAsyncStreamReader<WriteContentRequest> requestStream, IServerStreamWriter<WriteContentResponse> responseStream, ServerCallContext context)
    {
        CancellationToken cancellationToken = context.CancellationToken;
        (string name, ISessionContentStore store) = StoreOf(context);
        if (!await requestStream.MoveNext(cancellationToken).ConfigureAwait(false))
        {
            throw Error(StatusCode.Internal, "The request has no message.");
        }

        WriteContentRequest request = requestStream.Current;
        if (request.Ref.Length == 0)
        {
            throw Error(StatusCode.InvalidArgument, "the first message has no reference");
        }

        (string Store, string Reference) key = (name, request.Ref);
        if (!_writing.TryAdd(key, 0))
        {
            // containerd's client retries for as long as it gets this code.
            throw Error(StatusCode.Unavailable, $"{request.Ref} is already being written");
        }

        try
        {
            using IContentWriter writer = store.CreateWriter() ?? throw Error(StatusCode.PermissionDenied, "this store is read only");
            await new WriteCall(store, writer).RunAsync(requestStream, responseStream, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !cancellationToken.IsCancellationRequested)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            throw CallErrors.Create(StatusCode.ResourceExhausted, "the content could not be written on the client", e);
        }
        finally
        {
            _writing.TryRemove(key, out _);
        }
    }

    private (string Name, ISessionContentStore Store) StoreOf(ServerCallContext context)
        => context.RequestHeaders.GetValue(StoreHeader) is { } name && _stores.TryGetValue(name, out ISessionContentStore? store)
            ? (name, store)
            : throw Error(StatusCode.NotFound, "unknown store");

    /// <summary>One content being received: each message asks for a state, appends, or commits.</summary>
    private sealed class WriteCall(ISessionContentStore store, IContentWriter writer)
    {
        private long _offset;
        private long _total;
        private string _expected = string.Empty;

        /// <summary>Handles messages, beginning with the current one.</summary>
        public async Task RunAsync(IAsyncStreamReader<WriteContentRequest> requests, IServerStreamWriter<WriteContentResponse> responses, CancellationToken cancellationToken)
        {
            WriteContentRequest request;
            do
            {
                request = requests.Current;
                await responses.WriteAsync(await HandleAsync(request, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            }
            while (request.Action != WriteAction.Commit && await requests.MoveNext(cancellationToken).ConfigureAwait(false));
        }

        private async Task<WriteContentResponse> HandleAsync(WriteContentRequest request, CancellationToken cancellationToken)
        {
            if (request.Expected.Length > 0)
            {
                _expected = DigestOf(request.Expected).ToString();
                if (store.GetLength(DigestOf(_expected)) is { } there && (request.Total <= 0 || request.Total == there))
                {
                    throw Error(StatusCode.AlreadyExists, $"content {_expected}: already exists");
                }
            }

            _total = request.Total > 0 ? request.Total : _total;
            if (request.Action != WriteAction.Stat)
            {
                await AppendAsync(request, cancellationToken).ConfigureAwait(false);
            }

            string digest = writer.CurrentDigest.ToString();
            if (request.Action == WriteAction.Commit)
            {
                Commit(digest);
            }

            return new WriteContentResponse { Action = request.Action, Offset = _offset, Total = _total, Digest = digest };
        }

        private async Task AppendAsync(WriteContentRequest request, CancellationToken cancellationToken)
        {
            if (request.Offset == 0 && _offset > 0 && !request.Data.IsEmpty)
            {
                writer.Restart();
                _offset = 0;
            }
            else if (request.Offset > 0 && request.Offset != _offset)
            {
                throw Error(StatusCode.OutOfRange, $"a write at {request.Offset} must be at {_offset}");
            }

            if (_total > 0 && _offset + request.Data.Length > _total)
            {
                throw Error(StatusCode.OutOfRange, $"more than the {_total} bytes that were announced");
            }

            await writer.WriteAsync(request.Data.Memory, cancellationToken).ConfigureAwait(false);
            _offset += request.Data.Length;
        }

        private void Commit(string digest)
        {
            if (_total > 0 && _offset != _total)
            {
                throw Error(StatusCode.FailedPrecondition, $"{_offset} bytes instead of {_total}");
            }

            if (_expected.Length > 0 && _expected != digest)
            {
                throw Error(StatusCode.FailedPrecondition, $"digest {digest} instead of {_expected}");
            }

            writer.Commit();
        }
    }
}
