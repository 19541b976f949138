using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Inputs;

public sealed class DockerfileContentTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public DockerfileContentTests()
    {
        _directory.File("outside", "FROM outside");
        _directory.Folder("app");
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_Dockerfile_that_nobody_named_does_not_lead_out()
    {
        _directory.Link("app/Dockerfile", At("outside"));
        LinkLeavesRootException refused = Assert.Throws<LinkLeavesRootException>(() => Read(null));
        Assert.Equal((At("app/Dockerfile"), At("outside")), (refused.Path, refused.Target));
        Assert.Equal("FROM outside", Read(At("app/Dockerfile"))!.Text);
    }

    [Fact]
    public void An_ignore_file_does_not_lead_out_though_its_Dockerfile_was_named()
    {
        _directory.File("app/my", "FROM a");
        _directory.Link("app/my.dockerignore", "../outside");
        Assert.Throws<LinkLeavesRootException>(() => Read(At("app/my")));
        Assert.Throws<LinkLeavesRootException>(() => DockerfileContent.Named(At("app/my"), "/somewhere/else", TestContext.Current.CancellationToken));
    }

    [Fact]
    public void An_ignore_file_may_be_another_one_of_the_context()
    {
        _directory.Folder("app/docker");
        _directory.File("app/docker/my", "FROM a");
        _directory.File("app/.dockerignore", "*.log");
        _directory.Link("app/docker/my.dockerignore", "../.dockerignore");
        DockerfileContent content = Read(At("app/docker/my"))!;
        Assert.Equal("*.log"u8.ToArray(), content.IgnoreBytes!.Value.ToArray());
        Assert.Equal("my", content.Name);
    }

    [Fact]
    public void The_name_in_lower_case_is_taken_where_the_usual_one_is_not()
    {
        _directory.File("app/dockerfile", "FROM lower");
        Assert.Equal(("dockerfile", "FROM lower"), (Read(null)!.Name, Read(null)!.Text));
        _directory.File("app/Dockerfile", "FROM upper");
        Assert.Equal("FROM upper", Read(null)!.Text);
    }

    [Fact]
    public async Task A_pipe_is_served_from_what_was_read_once()
    {
        _directory.Pipe("pipe");
        Task<DockerfileContent?> reading = Task.Run(() => Read(At("pipe")), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(At("pipe"), "FROM piped", TestContext.Current.CancellationToken);
        DockerfileContent content = (await reading)!;
        ImageBuildRequest build = new() { ContextPath = At("app"), DockerfilePath = At("pipe"), DockerfileContent = content };
        Assert.Same(content, DockerfileContent.Of(build, TestContext.Current.CancellationToken));
        Assert.Equal("Dockerfile", BuildInputs.Of(build, content).Attributes["filename"]);
    }

    [Fact]
    public void What_is_not_there_is_said_by_name()
    {
        Assert.Contains("app/Dockerfile", Assert.Throws<FileNotFoundException>(() => Read(null)).Message, StringComparison.Ordinal);
        Assert.Contains("/nothing", Assert.Throws<FileNotFoundException>(() => Read(At("nothing"))).Message, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_directory.Path, name);

    private DockerfileContent? Read(string? named) =>
        DockerfileContent.Of(new() { ContextPath = At("app"), DockerfilePath = named }, TestContext.Current.CancellationToken);
}
