using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Containers.Runtime;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Containers;

/// <summary>The folders of this machine that containers of containerd use.</summary>
public sealed class ContainerdFoldersTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _place = Directory.CreateTempSubdirectory("ocb-").FullName;
    private readonly ContainerdFolders _folders;

    public ContainerdFoldersTests() => _folders = new ContainerdFolders(name => name == ContainerdFolders.Variable ? _place + "/box/" : null);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_place, recursive: true);

    [Fact]
    public void They_are_below_one_folder()
    {
        Assert.Equal("/var/lib/opencloud-build/containers/a/run/buildkitd.sock", new ContainerdFolders(static _ => null).SocketOf("a"));
        Assert.Equal(_place + "/box/containers/a/run/buildkitd.sock", _folders.SocketOf("a"));
        Assert.Equal(_place + "/box/volumes/a-cache/data", _folders.DataOf("a-cache"));
    }

    [Fact]
    public void They_are_created_for_root_alone_and_removed()
    {
        RequireRoot();
        _folders.Check("a");
        Assert.False(Directory.Exists(_place + "/box"));
        _folders.CreateEngine("a");
        Assert.All(["", "/containers", "/containers/a", "/containers/a/run"], path => Assert.Equal(OwnerOnly, File.GetUnixFileMode(_place + "/box" + path)));
        File.WriteAllText(_folders.LogOf("a", "1"), "one\ntwo\u001b[31m\n");
        Assert.Equal("one two", ContainerLog.ReadEnd(_folders.LogOf("a", "1")));
        _folders.RemoveEngine("a", "1", isUsed: true);
        Assert.Empty(ContainerLog.ReadEnd(_folders.LogOf("a", "1")));
        Assert.True(Directory.Exists(_folders.RunOf("a")));
        _folders.RemoveEngine("a", "1", isUsed: false);
        Assert.Empty(Directory.GetFileSystemEntries(_place + "/box/containers"));
        _folders.RemoveEngine("a", "1", isUsed: false);
    }

    [Fact]
    public void A_volume_says_whose_it_is()
    {
        RequireRoot();
        Assert.Null(_folders.FindVolume("v"));
        _folders.CreateVolume("v", "engine");
        Assert.Equal("engine", _folders.FindVolume("v")?.Engine);
        File.WriteAllText(_folders.DataOf("v") + "/file", "text");
        _folders.RemoveVolume("v");
        Assert.Null(_folders.FindVolume("v"));

        // A run ended before it said whose it is.
        OwnedFolders.Create(_place + "/box/volumes/half");
        Assert.Null(_folders.FindVolume("half"));
        File.WriteAllText(_place + "/box/volumes/half/file", "of somebody");
        Assert.Equal(new HostedVolume(null), _folders.FindVolume("half"));
    }

    [Theory]
    [InlineData("open")]
    [InlineData("link")]
    [InlineData("file")]
    public void What_others_can_change_is_not_used(string kind)
    {
        RequireRoot();
        switch (kind)
        {
            case "open":
                Directory.CreateDirectory(_place + "/box");
                File.SetUnixFileMode(_place + "/box", OwnerOnly | UnixFileMode.OtherWrite);
                break;
            case "link":
                Directory.CreateDirectory(_place + "/elsewhere");
                File.SetUnixFileMode(_place + "/elsewhere", OwnerOnly | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
                File.CreateSymbolicLink(_place + "/box", _place + "/elsewhere");
                break;
            default:
                File.WriteAllText(_place + "/box", "text");
                break;
        }

        BuildKitContainerException failure = Assert.Throws<BuildKitContainerException>(() => _folders.Check("a"));
        Assert.Equal(BuildKitContainerProblem.FolderUnusable, failure.Problem);
        failure = Assert.Throws<BuildKitContainerException>(() => _folders.CreateEngine("a"));
        Assert.Equal(BuildKitContainerProblem.FolderUnusable, failure.Problem);
    }

    [Fact]
    public async Task One_run_at_a_time_gives_names()
    {
        RequireRoot();
        IDisposable first = await _folders.LockAsync(Token);
        Task<IDisposable> second = _folders.LockAsync(Token);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public void The_path_of_a_socket_has_an_end()
    {
        RequireRoot();
        BuildKitContainerException failure = Assert.Throws<BuildKitContainerException>(() => _folders.Check(new string('a', 100)));
        Assert.Equal(BuildKitContainerProblem.InvalidName, failure.Problem);
    }

    private static void RequireRoot() => Assert.SkipUnless(Environment.IsPrivilegedProcess, "the folders belong to root");
}
