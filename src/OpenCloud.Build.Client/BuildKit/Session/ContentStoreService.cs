using System.Buffers;
using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Grpc.Server;
using OpenCloud.Build.Client.Oci;
using OpenCloud.Build.Client.Protocol.Containerd.Content;

namespace OpenCloud.Build.Client.BuildKit.Session;

/// <summary>
/// The session's attachable for contents by digest: containerd's content service, with one more header that names the store. It serves
/// OCI layouts as contexts (<c>oci:NAME</c>), local caches (<c>local:DIRECTORY</c>) and takes exports into a directory (<c>export</c>).
/// </summary>
/// <remarks>
/// The header and the names: moby/buildkit, session/content/attachable.go and client/solve.go. What the service answers:
/// containerd, plugins/services/content/contentserver. The daemon reads, lists and writes; it is not let delete or relabel anything.
/// </remarks>
internal sealed class ContentStoreService
{
    private const string Service = "/containerd.services.content.v1.Content/";
    private const string StoreHeader = "buildkit-attachable-store-id";
    private const int ChunkSize = 1024 * 1024;

    private readonly Dictionary<string, ISessionContentStore> _stores = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Store, string Reference), byte> _writing = new();
    private Exception? _failure;

    /// <summary>The names of the stores.</summary>
    public IReadOnlyCollection<string> Names => _stores.Keys;

    /// <summary>The first failure on this side; null when there was none.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Declares a store; nothing that is not declared can be asked for.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Add(string name, ISessionContentStore store) => _stores.Add(name, store);

    /// <summary>Declares a store, in the place of one of the same name: a directory that a build reads from and writes to.</summary>
    public void Set(string name, ISessionContentStore store) => _stores[name] = store;

    /// <summary>Adds the methods to a server, if there is any store.</summary>
    public void AddTo(GrpcServer server)
    {
        if (_stores.Count == 0)
        {
            return;
        }

        server.AddUnary(Service + "Info", InfoRequest.Parser, (request, call, _) => Task.FromResult<IMessage>(Info(request, call)));
        server.Add(Service + "Read", ReadAsync);
        server.Add(Service + "Write", WriteAsync);
        server.AddUnary(Service + "Abort", AbortRequest.Parser, static (_, _, _) => Task.FromResult<IMessage>(new Empty()));
    }

    private static ContentDigest DigestOf(string text) => ContentDigest.TryParse(text, out ContentDigest digest)
        ? digest
        : throw Error(GrpcStatusCode.InvalidArgument, "that is no digest which is known here");

    private static long LengthOf(ISessionContentStore store, ContentDigest digest)
        => store.GetLength(digest) ?? throw Error(GrpcStatusCode.NotFound, $"content {digest}: not found");

    private static GrpcException Error(GrpcStatusCode code, string message) => new(new GrpcStatus(code, message));

    private InfoResponse Info(InfoRequest request, GrpcServerCall call)
    {
        ISessionContentStore store = StoreOf(call).Store;
        ContentDigest digest = DigestOf(request.Digest);
        return new InfoResponse { Info = new Info { Digest = digest.ToString(), Size = LengthOf(store, digest) } };
    }

    private async Task ReadAsync(GrpcServerCall call, CancellationToken cancellationToken)
    {
        ReadContentRequest request = await call.ReadAsync(ReadContentRequest.Parser, cancellationToken).ConfigureAwait(false)
            ?? throw Error(GrpcStatusCode.Internal, "The request has no message.");
        ISessionContentStore store = StoreOf(call).Store;
        ContentDigest digest = DigestOf(request.Digest);
        long length = LengthOf(store, digest);
        long offset = Math.Max(0, request.Offset);
        if (offset > length)
        {
            throw Error(GrpcStatusCode.OutOfRange, $"content {digest} ends before {offset}");
        }

        // A size of nothing, or past the end, means all that is left.
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
                    throw Error(GrpcStatusCode.DataLoss, $"content {digest} has become shorter");
                }

                ReadContentResponse response = new() { Offset = sent, Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, count)) };
                await call.WriteAsync(response, cancellationToken).ConfigureAwait(false);
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

    private async Task WriteAsync(GrpcServerCall call, CancellationToken cancellationToken)
    {
        (string name, ISessionContentStore store) = StoreOf(call);
        WriteContentRequest request = await call.ReadAsync(WriteContentRequest.Parser, cancellationToken).ConfigureAwait(false)
            ?? throw Error(GrpcStatusCode.Internal, "The request has no message.");
        if (request.Ref.Length == 0)
        {
            throw Error(GrpcStatusCode.InvalidArgument, "the first message has no reference");
        }

        (string Store, string Reference) key = (name, request.Ref);
        if (!_writing.TryAdd(key, 0))
        {
            // The client side of containerd tries again for as long as this is the code.
            throw Error(GrpcStatusCode.Unavailable, $"{request.Ref} is being written already");
        }

        try
        {
            using IContentWriter writer = store.CreateWriter() ?? throw Error(GrpcStatusCode.PermissionDenied, "this store is read only");
            await new WriteCall(store, writer, call).RunAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !cancellationToken.IsCancellationRequested)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            throw new GrpcException(new GrpcStatus(GrpcStatusCode.ResourceExhausted, "the content could not be written on the client"), inner: e);
        }
        finally
        {
            _writing.TryRemove(key, out _);
        }
    }

    private (string Name, ISessionContentStore Store) StoreOf(GrpcServerCall call)
        => call.Metadata[StoreHeader] is { } name && _stores.TryGetValue(name, out ISessionContentStore? store)
            ? (name, store)
            : throw Error(GrpcStatusCode.NotFound, "unknown store");

    /// <summary>One content on its way in: each message asks for a state, appends, or commits.</summary>
    private sealed class WriteCall(ISessionContentStore store, IContentWriter writer, GrpcServerCall call)
    {
        private long _offset;
        private long _total;
        private string _expected = string.Empty;

        public async Task RunAsync(WriteContentRequest first, CancellationToken cancellationToken)
        {
            for (WriteContentRequest? request = first; request is not null;)
            {
                WriteContentResponse response = await HandleAsync(request, cancellationToken).ConfigureAwait(false);
                await call.WriteAsync(response, cancellationToken).ConfigureAwait(false);
                if (request.Action == WriteAction.Commit)
                {
                    return;
                }

                request = await call.ReadAsync(WriteContentRequest.Parser, cancellationToken).ConfigureAwait(false);
            }
        }

        private async Task<WriteContentResponse> HandleAsync(WriteContentRequest request, CancellationToken cancellationToken)
        {
            if (request.Expected.Length > 0)
            {
                _expected = DigestOf(request.Expected).ToString();
                if (store.GetLength(DigestOf(_expected)) is { } there && (request.Total <= 0 || request.Total == there))
                {
                    throw Error(GrpcStatusCode.AlreadyExists, $"content {_expected}: already exists");
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
                throw Error(GrpcStatusCode.OutOfRange, $"a write at {request.Offset} must be at {_offset}");
            }

            if (_total > 0 && _offset + request.Data.Length > _total)
            {
                throw Error(GrpcStatusCode.OutOfRange, $"more than the {_total} bytes that were announced");
            }

            await writer.WriteAsync(request.Data.Memory, cancellationToken).ConfigureAwait(false);
            _offset += request.Data.Length;
        }

        private void Commit(string digest)
        {
            if (_total > 0 && _offset != _total)
            {
                throw Error(GrpcStatusCode.FailedPrecondition, $"{_offset} bytes instead of {_total}");
            }

            if (_expected.Length > 0 && _expected != digest)
            {
                throw Error(GrpcStatusCode.FailedPrecondition, $"digest {digest} instead of {_expected}");
            }

            writer.Commit();
        }
    }
}
