using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>Builds that fail, and what is told of it.</summary>
public sealed class FailureTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task AStepThatFails_TellsItsCodeLineAndLastWords(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync("""
            # syntax comment only
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "echo to out; echo to err >&2; exit 7"]
            LABEL after=it
            """);

        (ImageBuildException failure, IReadOnlyList<string> log) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path }, Cancellation);

        Assert.Equal(BuildFailureKind.StepFailed, failure.Kind);
        Assert.Equal(7, failure.ExitCode);
        Assert.Equal(("Dockerfile", 4), (failure.File, failure.Line));
        Assert.Contains("exit 7", failure.StepName, StringComparison.Ordinal);
        Assert.Contains("to out", failure.LogTail);
        Assert.Contains("to err", failure.LogTail);
        Assert.Equal(4, Assert.Single(failure.SourceLines, static l => l.IsCause).Number);
        Assert.Contains(failure.SourceLines, static l => l.Text == "LABEL after=it");
        Assert.Contains(log, static l => l.Contains("ERROR", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData]
    public async Task AFileThatIsNotThere_IsNamed(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY missing.txt /\n");
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path }, Cancellation);
        Assert.Equal(BuildFailureKind.FileNotInContext, failure.Kind);
        Assert.Equal("/missing.txt", failure.MissingFile);
        Assert.Equal(2, failure.Line);
        Assert.Contains("missing.txt", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task AFileThatARuleHid_IsExplainedByTheRule(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY conf/app.log /\n");
        context.Write("conf/app.log", "x");
        context.Write(".dockerignore", "# comment\nbuild\n**/*.log\n");
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path }, Cancellation);
        Assert.Equal(BuildFailureKind.FileNotInContext, failure.Kind);
        Assert.Contains("**/*.log", failure.Hint, StringComparison.Ordinal);
        Assert.Contains(".dockerignore", failure.Hint, StringComparison.Ordinal);
        Assert.Contains("3", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task ABaseThatCannotBeHad_IsThatKind(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM localhost:1/no/such:image\n");
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path }, Cancellation);
        Assert.Equal(BuildFailureKind.BaseImageUnavailable, failure.Kind);
        Assert.Equal(1, failure.Line);
        Assert.Contains("localhost:1/no/such", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task AContextThatCannotBeFetched_IsNamed(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        (ImageBuildException file, _) = await BuildRun.FailAsync(engine, new() { ContextPath = "http://127.0.0.1:1/x.tar" }, Cancellation);
        Assert.Equal(BuildFailureKind.SourceUnavailable, file.Kind);
        Assert.Contains("'http://127.0.0.1:1/x.tar'", file.Message, StringComparison.Ordinal);
        (ImageBuildException repository, _) = await BuildRun.FailAsync(engine, new() { ContextPath = "https://127.0.0.1:1/x.git#main" }, Cancellation);
        Assert.Equal(BuildFailureKind.SourceUnavailable, repository.Kind);
        Assert.Contains("'https://127.0.0.1:1/x.git'", repository.Message, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task AnInstructionThatIsNone_IsADockerfileError(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPPY a b\n");
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path }, Cancellation);
        Assert.Equal(BuildFailureKind.DockerfileInvalid, failure.Kind);
        Assert.Equal(2, failure.Line);
    }

    [Theory]
    [EngineData]
    public async Task ATargetThatIsNotThere_IsThatKind(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch AS one\nCOPY Dockerfile /\n");
        (ImageBuildException failure, _) = await BuildRun.FailAsync(engine, new() { ContextPath = context.Path, Target = "two" }, Cancellation);
        Assert.Equal(BuildFailureKind.TargetNotFound, failure.Kind);
    }

    [Theory]
    [EngineData]
    public async Task TheNextBuildOnTheSameConnection_IsNotHurt(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder bad = new();
        bad.Write("Dockerfile", "FROM scratch\nCOPY missing /\n");
        using ContextFolder good = new();
        good.Write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        await Assert.ThrowsAsync<ImageBuildException>(() => client.BuildAsync(new() { ContextPath = bad.Path }, cancellationToken: Cancellation));
        Assert.NotNull((await client.BuildAsync(new() { ContextPath = good.Path, NeedsDigest = true }, cancellationToken: Cancellation)).Digest);
    }
}
