using System.Diagnostics;
using System.Globalization;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Field;

/// <summary>Every report of the corpus, on every engine that builds, and beside buildctl where that is there.</summary>
public sealed class FieldTests(EngineFixture engines)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static IEnumerable<TheoryDataRow<string>> Texts() =>
        FieldReport.All().Where(static r => r.Texts is not null).Select(static r => new TheoryDataRow<string>(r.Name));

    [Fact]
    public void EveryFolderIsAReport() =>
        Assert.All(FieldReport.All(), static r => Assert.True(r.Build is not null || r.Texts is not null, $"{r.Name} tries nothing"));

    [Theory]
    [FieldData]
    public async Task Builds(string engineName, string reportName)
    {
        FieldReport report = FieldReport.Read(reportName);
        RunningEngine engine = await engines.GetAsync(engineName);
        using ContextFolder context = await report.CreateContextAsync();
        using ContextFolder output = new();
        using ContextFolder config = new();
        config.Write("config.json", report.Build!.DockerConfig?.GetRawText() ?? "{}");
        await using FieldMeanwhile meanwhile = new(report.Build.Meanwhile, context);
        for (int i = 0; i < report.Build.Times; i++)
        {
            string destination = output.At($"own{i}");
            await BuildAsync(engine, RequestOf(report.Build, context, config, destination), report.Build, destination);
        }

        if (report.Build.WithoutPeer is null && FieldPeer.Find() is { } peer && engine.Address.StartsWith("unix:", StringComparison.Ordinal))
        {
            await peer.CheckAsync(engine, report.Build, context, output.At("peer"), Token);
        }
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void Reads(string reportName)
    {
        FieldTexts texts = FieldReport.Read(reportName).Texts!;
        Assert.All(texts.Contexts, static c => Assert.Equal(c.Value, ContextLocation.Parse(c.Key).Kind));
        Assert.All(texts.Passes, static text => DockerfileText.Parse(text));
        Assert.All(texts.Syntax, static s => Assert.Equal(s.Value, SyntaxOf(s.Key)));
        Assert.All(texts.Images, static i => Assert.Equal(i.Value, DockerfileText.Parse(i.Key).FindImages()));
        Assert.All(texts.Refuses, static refusal =>
        {
            DockerfileException refused = Assert.Throws<DockerfileException>(() => DockerfileText.Parse(refusal.Dockerfile));
            Assert.Equal(refusal.Line, refused.Line);
            Assert.Contains(refusal.Says, refused.Message, StringComparison.Ordinal);
        });
    }

    private static string? SyntaxOf(string firstLine) => DockerfileText.Parse(firstLine + "\nFROM scratch\n").Syntax;

    private static async Task BuildAsync(RunningEngine engine, ImageBuildRequest request, FieldBuild build, string destination)
    {
        if (build.Fails is not { } fails)
        {
            ImageBuildResult result = await BuildRun.RunAsync(engine, request, Token);
            FieldResult gives = build.Gives ?? new FieldResult();
            CheckResult(gives, destination);
            Assert.All(gives.Warns, part => Assert.Contains(result.Warnings, w => w.ToString().Contains(part, StringComparison.Ordinal)));
            return;
        }

        Exception thrown = await Assert.ThrowsAnyAsync<Exception>(() => BuildRun.RunAsync(engine, request, Token));
        ImageBuildException? failure = thrown as ImageBuildException;
        Assert.Equal(fails.Kind, failure?.Kind);
        Assert.All(fails.Says, part => Assert.Contains(part, $"{thrown.Message}\n{failure?.Hint}", StringComparison.Ordinal));
        Assert.InRange(thrown.Message.Length, 1, fails.Longest);
        Assert.All(failure?.SourceLines ?? [], line => Assert.InRange(line.Text.Length, 0, fails.Longest));
        if (fails.Line is not null)
        {
            Assert.Equal(fails.Line, failure?.Line);
        }
    }

    private static ImageBuildRequest RequestOf(FieldBuild build, ContextFolder context, ContextFolder config, string destination) => new()
    {
        DockerConfigDirectory = config.Path,
        ContextPath = Path.Combine(context.Path, build.Folder),
        BuildArguments = build.Arguments,
        NamedContexts = build.Named.ToDictionary(static n => n.Key, n => n.Value.Replace("$CONTEXT", context.Path, StringComparison.Ordinal)),
        Platforms = build.Platforms,
        Execution = new BuildExecution { ExtraHosts = [.. build.Hosts.Select(ExtraHost.Parse)] },
        StrictContext = build.Strict,
        Tags = build.Tags,
        Push = build.Push,
        CacheTo = [.. build.CacheTo.Select(BuildCache.Parse)],
        Attestations = [.. build.Attest.Select(static a => new ImageAttestation(a.Key, a.Value))],
        Outputs = build.Push ? [] : [new BuildOutput { Type = BuildOutput.Local, Destination = destination }],
    };

    private static long AllocatedBytes(string path)
    {
        using Process stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        return 512 * long.Parse(stat.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
    }

    internal static void CheckResult(FieldResult right, string destination)
    {
        Assert.All(right.Files, file => Assert.Equal(file.Value, File.ReadAllText(Path.Combine(destination, file.Key))));
        Assert.All(right.Parts, file =>
        {
            string text = File.ReadAllText(Path.Combine(destination, file.Key));
            Assert.All(file.Value, part => Assert.Contains(part, text, StringComparison.Ordinal));
        });
        Assert.All(right.Absent, path => Assert.False(Path.Exists(Path.Combine(destination, path)), $"{path} is there"));
        Assert.All(right.Modes, file => Assert.Equal(file.Value, Convert.ToString((int)File.GetUnixFileMode(Path.Combine(destination, file.Key)), 8)));
        Assert.All(right.Sizes, file => Assert.Equal(file.Value, new FileInfo(Path.Combine(destination, file.Key)).Length));
        Assert.All(right.Times, file => Assert.Equal(file.Value, new DateTimeOffset(File.GetLastWriteTimeUtc(Path.Combine(destination, file.Key))).ToUnixTimeSeconds()));
        Assert.All(right.Allocated, file => Assert.InRange(AllocatedBytes(Path.Combine(destination, file.Key)), 0, file.Value));
        if (right.Count is { } count)
        {
            Assert.Equal(count, Directory.GetFiles(destination, "*", SearchOption.AllDirectories).Length);
        }
    }
}
