using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Transfer;

public class FileSyncRequestTests
{
    [Fact]
    public void Metadata_is_read_as_the_daemon_writes_it()
    {
        FileSyncRequest request = FileSyncRequest.Parse([
            new("dir-name", "context"),
            new("exclude-patterns", "caf%C3%A9+x"),
            new("exclude-patterns", "%FF%zz"),
            new("exclude-patterns-encoded", "1"),
            new("followpaths", "a%20b+c"),
            new("followpaths-encoded", "0"),
        ]);
        Assert.Equal("context", request.DirectoryName);
        Assert.Equal(["café x", ""], request.ExcludePatterns.Select(Encoding.UTF8.GetString));
        Assert.Equal(["a%20b+c"], request.FollowPaths.Select(Encoding.UTF8.GetString));
        Assert.Empty(request.IncludePatterns);
        Assert.Equal("", FileSyncRequest.Parse([]).DirectoryName);
    }

    [Fact]
    public void Two_directories_cannot_have_one_name() =>
        Assert.Throws<ArgumentException>(() => new FileSyncService([
            MemoryContextSource.FromText("d", "a", ""), MemoryContextSource.FromText("d", "b", "")]));

    [Fact]
    public void What_does_not_exist_is_not_declared() =>
        Assert.Throws<DirectoryNotFoundException>(() => new DirectoryContextSource("context", "/no/such/directory"));
}
