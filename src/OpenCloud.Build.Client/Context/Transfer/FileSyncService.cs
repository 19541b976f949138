using Grpc.Core;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Protocol.FileSync;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>The session's attachable that serves declared directories to the daemon: <c>moby.filesync.v1.FileSync</c>.</summary>
/// <remarks>
/// Source: buildkit's session/filesync/filesync.go. Only DiffCopy is served; no daemon from v0.16.0 to v0.32.2 calls the other
/// method, TarStream. Several transfers may run at the same time, also of the same directory.
/// </remarks>
internal sealed class FileSyncService : FileSync.FileSyncBase
{
    private readonly Dictionary<string, (ContextSource Source, ContextCounters Counters)> _sources = new(StringComparer.Ordinal);
    private readonly Action? _progress;
    private readonly ContextChanges _changes;
    private readonly List<ContextException> _failures = [];

    /// <summary>Declares the directories. <c>progress</c> is called from any thread when <see cref="Counters"/> have changed.</summary>
    /// <exception cref="ArgumentException">Two directories have the same name.</exception>
    public FileSyncService(IEnumerable<ContextSource> sources, Action? progress = null, ContextChanges? changes = null)
    {
        _changes = changes ?? new ContextChanges();
        _progress = progress;
        foreach (ContextSource source in sources)
        {
            if (!_sources.TryAdd(source.Name, (source, new ContextCounters(Counters))))
            {
                throw new ArgumentException($"The directory name '{source.Name}' is used twice.", nameof(sources));
            }
        }
    }

    public ContextCounters Counters { get; } = new();

    /// <summary>The first local failure, which the daemon's error only repeats; null when there is none.</summary>
    public ContextException? Failure
    {
        get
        {
            lock (_failures)
            {
                return _failures.FirstOrDefault();
            }
        }
    }

    /// <summary>The failure that an error of the daemon repeats, where several builds use the directories; null when it repeats none.</summary>
    public ContextException? FailureIn(string text)
    {
        lock (_failures)
        {
            // One message may be the beginning of another.
            return _failures.Where(f => text.Contains(f.Message, StringComparison.Ordinal)).MaxBy(static f => f.Message.Length);
        }
    }

    private static StatusCode CodeOf(ContextErrorKind kind) => kind switch
    {
        ContextErrorKind.NotDeclared => StatusCode.NotFound,
        ContextErrorKind.BadPattern => StatusCode.InvalidArgument,
        ContextErrorKind.Protocol => StatusCode.Internal,
        ContextErrorKind.Receiver => StatusCode.Aborted,
        _ => StatusCode.Unknown,
    };

    private static IEnumerable<KeyValuePair<string, string>> Pairs(HeaderList metadata)
    {
        foreach (HeaderField field in metadata)
        {
            yield return new(field.Name, field.Value);
        }
    }

    public override async Task DiffCopy(IAsyncStreamReader<Packet> requestStream, IServerStreamWriter<Packet> responseStream, ServerCallContext context)
    {
        GrpcServerCall call = GrpcServerCall.Of(context);
        try
        {
            FileSyncRequest request = FileSyncRequest.Parse(Pairs(call.Headers));
            if (!_sources.TryGetValue(request.DirectoryName, out (ContextSource Source, ContextCounters Counters) declared))
            {
                // The wording is the Go client's: daemons and users know it.
                throw new ContextException(ContextErrorKind.NotDeclared, $"no access allowed to dir \"{request.DirectoryName}\"");
            }

            declared.Counters.AddTransfer();
            using ContextTree tree = declared.Source.OpenTree();
            ContextFilter filter = RequestFilter.Create(request, tree);
            ContextSender sender = new(new GrpcPacketChannel(call), tree, filter, declared.Counters, _progress, call.Work, _changes);
            await sender.RunAsync(context.CancellationToken).ConfigureAwait(false);
        }
        catch (ContextException e)
        {
            // A receiver's report is its own failure, or an echo of one of ours.
            if (e.Kind != ContextErrorKind.Receiver)
            {
                Keep(e);
            }

            throw CallErrors.Create(CodeOf(e.Kind), e.Message, e);
        }
    }

    private void Keep(ContextException failure)
    {
        lock (_failures)
        {
            if (!_failures.Exists(f => f.Message == failure.Message))
            {
                _failures.Add(failure);
            }
        }
    }
}
