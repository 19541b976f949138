using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Protocol.FileSync;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Tests.Wire.Http2;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Transfer;

public sealed class FileSyncServiceTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OfSeveralFailures_EachBuildHasTheOneThatItsErrorRepeats()
    {
        FileSyncService files = new([]);
        GrpcServer server = new(BuildSession.Options(TimeProvider.System));
        FileSync.BindService(server, files);
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);

        string first = await AskAsync(peer, "one");
        string second = await AskAsync(peer, "other");

        Assert.Contains("\"one\"", files.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("\"other\"", files.FailureIn($"failed to solve: rpc error: code = NotFound desc = {second}")!.Message, StringComparison.Ordinal);
        Assert.Contains("\"one\"", files.FailureIn(first)!.Message, StringComparison.Ordinal);
        Assert.Null(files.FailureIn("failed to solve: process did not complete successfully: exit code: 1"));
    }

    private static async Task<string> AskAsync(HttpClientPeer peer, string directory)
    {
        using HttpRequestMessage request = HttpClientPeer.NewRequest("/moby.filesync.v1.FileSync/DiffCopy", new ByteArrayContent([]));
        request.Content!.Headers.ContentType = new("application/grpc");
        request.Headers.Add("dir-name", directory);
        using HttpResponseMessage answer = await peer.Client.SendAsync(request, Stop);
        await answer.Content.ReadAsByteArrayAsync(Stop);
        string message = (answer.TrailingHeaders.TryGetValues("grpc-message", out IEnumerable<string>? trailers) ? trailers : answer.Headers.GetValues("grpc-message")).Single();
        return Uri.UnescapeDataString(message);
    }
}
