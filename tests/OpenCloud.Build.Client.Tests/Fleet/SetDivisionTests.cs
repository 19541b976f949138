using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Inputs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Fleet;

public sealed class SetDivisionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("opencloud.build-set").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void BuildsAreTogetherByResultsAndDirectories() =>
        Assert.Equal("a a2|base app web|tools", Divide(("a", "x", []), ("base", "y", []), ("app", "z", ["base"]), ("tools", "t", []), ("web", "w", ["app"]), ("a2", "x", [])));

    [Fact]
    public void OneDirectoryByTwoPathsIsTheSame() => Assert.Equal("a b", Divide(("a", "x", []), ("b", "x/../x/", [])));

    [Fact]
    public void AnAddressOrAMissingDirectoryIsNotShared()
    {
        Dictionary<string, ImageBuildRequest> requests = new()
        {
            ["a"] = new() { ContextPath = "https://example.test/app.git" },
            ["b"] = new() { ContextPath = "https://example.test/app.git" },
            ["c"] = new() { ContextPath = "/nowhere/to/be/found" },
            ["d"] = new() { ContextPath = "/nowhere/to/be/found" },
        };
        Assert.Equal(4, SetDivision.Divide(requests, static _ => false).Count);
    }

    [Fact]
    public void ABuildThatIsBetterAloneSharesNoDirectory()
    {
        Dictionary<string, ImageBuildRequest> requests = Requests(("a", "x", []), ("b", "x", []), ("c", "x", []), ("d", "z", ["c"]));
        requests["b"] = requests["b"] with { Platforms = ["linux/amd64", "linux/arm64"] };
        requests["c"] = requests["c"] with { Platforms = ["linux/amd64", "linux/arm64"] };
        Assert.Equal("a c d|b", Text(SetDivision.Divide(requests, static r => r.Platforms.Count > 1)));
    }

    private string Divide(params (string Name, string Directory, string[] DependsOn)[] builds) => Text(SetDivision.Divide(Requests(builds), static _ => false));

    private Dictionary<string, ImageBuildRequest> Requests(params (string Name, string Directory, string[] DependsOn)[] builds)
    {
        Dictionary<string, ImageBuildRequest> requests = [];
        foreach ((string name, string directory, string[] dependsOn) in builds)
        {
            string path = Path.Join(_folder, directory);
            Directory.CreateDirectory(path);
            requests[name] = new ImageBuildRequest { ContextPath = path, NamedContexts = dependsOn.ToDictionary(static d => d, static d => "target:" + d) };
        }

        return requests;
    }

    private static string Text(IReadOnlyList<IReadOnlyList<string>> groups) => string.Join('|', groups.Select(static g => string.Join(' ', g)));
}
