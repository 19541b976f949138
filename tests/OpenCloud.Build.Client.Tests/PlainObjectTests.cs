using System.Reflection;
using System.Runtime.CompilerServices;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Vulnerabilities;
using Xunit;

namespace OpenCloud.Build.Client.Tests;

/// <summary>
/// What objects hold of an engine's, a registry's or a Dockerfile's words does not steer a terminal, whatever shows them. Every property counts, so
/// that a new one is looked at, too.
/// </summary>
public sealed class PlainObjectTests
{
    private const string Hostile = "a\u001b[31mb\u001b]0;t\u0007c\u202ed\u009b2Je\u0000f";

    // What cmdlets give of an engine's, and what hangs on it. Answers to subrequests are made plain where they are read.
    private static readonly Type[] Given =
    [
        typeof(ContainerImage), typeof(ContainerImagePlatform), typeof(BuildKitInfo), typeof(BuildKitWorker), typeof(BuildCachePolicy), typeof(BuildRecord), typeof(BuildCacheRecord),
        typeof(ImageBuildResult), typeof(ImageBuildException), typeof(SourceLine), typeof(BuildWarning), typeof(ErrorSource), typeof(BuildKitErrorDetails),
        typeof(ContainerImageVulnerability), typeof(BuildKitContainer), typeof(DockerfileCheck), typeof(DockerfileCheckError), typeof(DockerfileTarget), typeof(DockerfileOutline), typeof(OutlineArgument), typeof(OutlineMount), typeof(BuildStep), typeof(BuildLogLine),
    ];

    // Addresses, folders and references of builds, which are this side's; the last lines of a step, which the step has made plain.
    private static readonly string[] OfThisSide = ["Address", "Source", "Path", "Store", "Ref", "LogTail"];

    public static TheoryData<string> Types => [.. Given.Select(static t => t.FullName!)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Properties_are_plain(string name)
    {
        Type type = typeof(ContainerImage).Assembly.GetType(name, throwOnError: true)!;
        object made = RuntimeHelpers.GetUninitializedObject(type);
        foreach (PropertyInfo property in Settable(type))
        {
            property.SetValue(made, ValueOf(property.PropertyType));
            CheckPlain($"{name}.{property.Name}", property.GetValue(made));
        }
    }

    [Fact]
    public void Answers_to_subrequests_are_plain()
    {
        string text = System.Text.Json.JsonSerializer.Serialize(Hostile);
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(
            """{"name":TEXT,"description":TEXT,"args":[{"name":TEXT,"value":TEXT,"description":TEXT}],"secrets":[{"name":TEXT}],"targets":[{"name":TEXT,"base":TEXT,"platform":TEXT,"description":TEXT}],"warnings":[{"ruleName":TEXT,"description":TEXT,"detail":TEXT,"url":TEXT}],"buildError":{"message":TEXT}}""".Replace("TEXT", text, StringComparison.Ordinal));
        DockerfileOutline outline = DockerfileOutline.From(document.RootElement);
        CheckPlain("outline", new[] { outline.Target!, outline.Description!, outline.Arguments[0].Name, outline.Arguments[0].Value!, outline.Arguments[0].Description!, outline.Secrets[0].Name });
        DockerfileTarget target = Assert.Single(DockerfileTarget.ListFrom(document.RootElement));
        CheckPlain("target", new[] { target.Name!, target.Base!, target.BasePlatform!, target.Description! });
        DockerfileChecks checks = DockerfileChecks.From(document.RootElement);
        DockerfileCheck check = Assert.Single(checks.Findings);
        CheckPlain("check", new[] { check.Rule, check.Description, check.Detail, check.Url!, checks.Error!.Message });
    }

    [Fact]
    public void What_constructors_take_is_plain()
    {
        CheckPlain("line", new SourceLine(1, Hostile, false).Text);
        BuildWarning warning = new(Hostile, Hostile, Hostile, Hostile, null, 0);
        CheckPlain("warning", new[] { warning.Message, warning.Detail, warning.Url!, warning.File!, warning.ToString() });
        CheckPlain("policy", new BuildCachePolicy(false, Hostile, default, 0, 0, 0).ToString());
        ErrorSource source = new(Hostile, default, Hostile, []);
        CheckPlain("source", new[] { source.FileName, source.Language });
    }

    [Theory]
    [InlineData("docker.io/library/a:1", "docker.io/library/a:1")]
    [InlineData("a\u001b[31m", "a\\x1b[31m")]
    [InlineData("a\u202eb\n", "a\\u202eb\\x0a")]
    [InlineData(null, null)]
    public void Names_stay_different(string? name, string? shown) => Assert.Equal(shown, TerminalText.Name(name));

    private static IEnumerable<PropertyInfo> Settable(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        .Where(static p => p.SetMethod is not null && !OfThisSide.Contains(p.Name) && ValueOf(p.PropertyType) is not null);

    private static object? ValueOf(Type type) =>
        type == typeof(string) ? Hostile
        : type == typeof(IReadOnlyList<string>) ? new[] { "plain", Hostile }
        : type == typeof(IReadOnlyDictionary<string, string>) ? new Dictionary<string, string> { [Hostile] = Hostile }
        : null;

    private static void CheckPlain(string what, object? value)
    {
        IEnumerable<string> texts = value switch
        {
            string text => [text],
            IEnumerable<string> list => list,
            IReadOnlyDictionary<string, string> map => map.Keys.Concat(map.Values),
            _ => [],
        };
        Assert.All(texts, text =>
        {
            Assert.True(TerminalText.Plain(text) == text, $"{what}: {TerminalText.Name(text)}");
            Assert.NotEmpty(text);
        });
    }
}
