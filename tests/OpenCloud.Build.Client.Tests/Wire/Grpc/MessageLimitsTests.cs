using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

/// <summary>How long a message of which method may be.</summary>
public sealed class MessageLimitsTests
{
    // What lists things, streams contents or carries what users and engines write.
    private static readonly HashSet<string> LargeAnswers =
    [
        "Prune", "DiskUsage", "Solve", "Status", "Session", "ListWorkers", "ListenBuildHistory", "Ping", "LLBBridge/ReadFile", "LLBBridge/ReadDir",
        "Content/Info", "Content/Update", "Content/List", "Content/Read", "Images/Get", "Images/List", "Images/Create", "Images/Update",
        "Leases/List", "Snapshots/List", "Snapshots/Stat", "Namespaces/List", "Introspection/Plugins",
        "Containers/Get", "Containers/List", "Containers/Create", "Containers/Update", "Tasks/List",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Engines() =>
    [
        .. new[]
        {
            Protocol.Control.Control.Descriptor, Protocol.Gateway.LLBBridge.Descriptor, Protocol.Containerd.Content.Content.Descriptor,
            Protocol.Containerd.Images.Images.Descriptor, Protocol.Containerd.Leases.Leases.Descriptor, Protocol.Containerd.Snapshots.Snapshots.Descriptor,
            Protocol.Containerd.Namespaces.Namespaces.Descriptor, Protocol.Containerd.Introspection.Introspection.Descriptor,
            Protocol.Containerd.Version.Version.Descriptor, Protocol.Containerd.Containers.Containers.Descriptor,
            Protocol.Containerd.Tasks.Tasks.Descriptor, Protocol.Containerd.Diffs.Diff.Descriptor,
        }.SelectMany(Paths),
    ];

    public static TheoryData<string> Sessions() =>
    [
        .. new[]
        {
            Protocol.Health.Health.Descriptor, Protocol.Auth.Auth.Descriptor, Protocol.Secrets.Secrets.Descriptor, Protocol.SshForward.SSH.Descriptor,
            Protocol.FileSync.FileSync.Descriptor, Protocol.FileSync.FileSend.Descriptor, Protocol.Upload.Upload.Descriptor,
            Protocol.Containerd.Content.Content.Descriptor,
        }.SelectMany(Paths),
    ];

    [Theory]
    [MemberData(nameof(Engines))]
    public void Answers_are_small_unless_they_list_something(string path)
    {
        string[] parts = path.Split('/', '.');
        bool isLarge = LargeAnswers.Contains(parts[^1]) || LargeAnswers.Contains($"{parts[^2]}/{parts[^1]}");
        Assert.Equal(isLarge ? 16 * 1024 * 1024 : 64 * 1024, MessageLimits.OfAnswer(path));
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public void Questions_to_a_session_are_small_unless_they_carry_files(string path)
    {
        bool isLarge = path.Split('/')[^1] is "DiffCopy" or "ForwardAgent" or "Write" or "Update" or "List" or "Delete";
        Assert.Equal(isLarge ? 16 * 1024 * 1024 : 64 * 1024, MessageLimits.OfRequest(path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_of_10_MiB_arrives_where_it_can_be_large(bool pooled)
    {
        DiskUsageResponse usage = new();
        usage.Record.Add(Enumerable.Range(0, 10_000).Select(static i => new UsageRecord { Id = $"{i}", Description = new string('d', 1100) }));
        Assert.InRange(usage.CalculateSize(), 10 * 1024 * 1024, 16 * 1024 * 1024);
        Assert.Equal(usage, await AskAsync(pooled, usage, static (control, options) => control.DiskUsageAsync(new DiskUsageRequest(), options).ResponseAsync));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_large_answer_is_refused_where_there_is_none(bool pooled)
    {
        InfoResponse info = new() { BuildkitVersion = new() { Version = new string('v', 66_000) } };
        RpcException e = await Assert.ThrowsAsync<RpcException>(
            () => AskAsync(pooled, info, static (control, options) => control.InfoAsync(new InfoRequest(), options).ResponseAsync));
        Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
    }

    private static IEnumerable<string> Paths(ServiceDescriptor service) => service.Methods.Select(method => $"/{service.FullName}/{method.Name}");

    private static async Task<T> AskAsync<T>(bool pooled, T answer, Func<Control.ControlClient, CallOptions, Task<T>> ask)
        where T : IMessage
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.SendAsync(answer);
            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        using DedicatedCallInvoker dedicated = channel.OpenDedicated();
        return await ask(new Control.ControlClient(pooled ? channel.Pooled : dedicated), new CallOptions(cancellationToken: Token)).WaitAsync(TimeSpan.FromSeconds(60), Token);
    }
}
