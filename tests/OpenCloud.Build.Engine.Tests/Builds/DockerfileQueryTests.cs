using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>What an engine says of a Dockerfile without building it.</summary>
public sealed class DockerfileQueryTests(EngineFixture engines)
{
    private const string Sample = """
        # The value of NOTHING
        ARG BASE=scratch
        # build makes it all
        FROM ${BASE} AS build
        # GREETING is said at the end
        ARG GREETING=hello
        COPY Dockerfile /
        RUN --mount=type=secret,id=token,required=true --mount=type=ssh,id=key ["/x"]
        FROM --platform=linux/arm64 scratch
        COPY --from=build /Dockerfile /
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task Targets_AreListed(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", Sample);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);

        IReadOnlyList<DockerfileTarget> targets = await client.GetTargetsAsync(new() { ContextPath = context.Path }, Cancellation);

        Assert.Equal(2, targets.Count);
        Assert.Equal(("build", false, "makes it all", "${BASE}"), (targets[0].Name, targets[0].IsDefault, targets[0].Description, targets[0].Base));
        Assert.Equal((null, true, "linux/arm64"), (targets[1].Name, targets[1].IsDefault, targets[1].BasePlatform));
        Assert.Equal(4, targets[0].Line);
        Assert.Equal(9, targets[1].Line);
    }

    [Theory]
    [EngineData]
    public async Task AnOutline_TellsWhatATargetTakes(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);

        DockerfileOutline outline = await client.GetOutlineAsync(
            new() { ContextPath = "/", DockerfileText = Sample, Target = "build", BuildArguments = new Dictionary<string, string> { ["GREETING"] = "given" } }, Cancellation);

        Assert.Equal("build", outline.Target);
        Assert.Contains(outline.Arguments, static a => a is { Name: "GREETING", Value: "given", Description: "is said at the end", Line: 6 });
        Assert.Contains(outline.Arguments, static a => a is { Name: "BASE", Value: "scratch" });
        Assert.Equal(("token", true, 8), (outline.Secrets[0].Name, outline.Secrets[0].Required, outline.Secrets[0].Line));
        Assert.Equal("key", Assert.Single(outline.Ssh).Name);
    }

    [Theory]
    [EngineData(EngineNames.Docker28, EngineNames.Given)]
    public async Task Checks_TellRuleFileLineAndUrl(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("My.dockerfile", "FROM scratch AS one\nCOPY a /\nFROM scratch as Two\nMAINTAINER me\n");
        context.Write("a", "a");
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);

        DockerfileChecks checks = await client.CheckDockerfileAsync(new() { ContextPath = context.Path, DockerfilePath = context.At("My.dockerfile") }, Cancellation);
        DockerfileChecks clean = await client.CheckDockerfileAsync(new() { ContextPath = context.Path, DockerfileText = "FROM scratch\nCOPY a /\n" }, Cancellation);
        DockerfileChecks broken = await client.CheckDockerfileAsync(
            new() { ContextPath = context.Path, DockerfileText = "FROM scratch\nCOPY --from=later a /\nFROM scratch AS later\n" }, Cancellation);

        Assert.False(checks.IsClean);
        DockerfileCheck casing = Assert.Single(checks.Findings, static f => f.Rule == "FromAsCasing");
        Assert.Equal(("My.dockerfile", 3), (casing.File, casing.Line));
        Assert.StartsWith("https://", casing.Url, StringComparison.Ordinal);
        Assert.Contains(checks.Findings, static f => f is { Rule: "MaintainerDeprecated", Line: 4 });
        Assert.Contains(checks.Findings, static f => f.Rule == "StageNameCasing");
        Assert.True(clean.IsClean);
        Assert.NotNull(broken.Error);
    }

    [Fact]
    public async Task AnEngineWithoutChecks_SaysSo()
    {
        RunningEngine engine = await engines.GetAsync(EngineNames.Docker26);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);

        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(
            () => client.CheckDockerfileAsync(new() { ContextPath = "/", DockerfileText = "FROM scratch" }, Cancellation));

        Assert.Equal(BuildFailureKind.Unsupported, failure.Kind);
        Assert.Contains(engine.Address, failure.Message, StringComparison.Ordinal);
        Assert.Contains("frontend.lint", failure.Message, StringComparison.Ordinal);
        Assert.Contains("0.15", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [EngineData]
    public async Task ADockerfileThatIsNone_IsTold(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(
            () => client.GetTargetsAsync(new() { ContextPath = "/", DockerfileText = "FROM scratch\nNOTHING here\n" }, Cancellation));
        Assert.Equal(BuildFailureKind.DockerfileInvalid, failure.Kind);
    }
}
