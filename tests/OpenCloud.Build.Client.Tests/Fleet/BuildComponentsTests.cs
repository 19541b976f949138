using OpenCloud.Build.Client.Fleet;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Fleet;

public sealed class BuildComponentsTests
{
    [Fact]
    public void BuildsThatShareNothingAreApart()
    {
        Dictionary<string, string> components = BuildComponents.Of([("a", "/a", []), ("b", "/b", []), ("a2", "/a", []), ("b2", "/b", []), ("alone", null, []), ("other", null, [])]);
        Assert.Equal("a,b,a,b,alone,other", string.Join(',', components.Values));
    }

    [Fact]
    public void BuildsThatUseEachOtherAreTogether_AlsoThroughOthers()
    {
        Dictionary<string, string> components = BuildComponents.Of([("x", null, []), ("app", "/app", ["base"]), ("test", "/app", []), ("base", "/base", ["gone"]), ("tools", "/base", []), ("last", null, ["tools", "x"])]);
        Assert.All(components.Values, static first => Assert.Equal("x", first));
        Assert.Equal(6, components.Count);
    }

    [Fact]
    public void ARingIsOneComponent() =>
        Assert.Equal("a,a,a", string.Join(',', BuildComponents.Of([("a", null, ["b"]), ("b", null, ["c"]), ("c", null, ["a"])]).Values));
}
