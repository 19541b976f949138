using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Inputs;

public sealed class OciLayoutReferenceTests
{
    private const string First = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    private const string Second = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
    private const string Missing = "sha256:3333333333333333333333333333333333333333333333333333333333333333";

    [Fact]
    public void ATag_IsFoundInEitherForm()
    {
        using TemporaryDirectory folder = new();
        string layout = Make(folder, (First, "1.0", null), (Second, null, "registry.test/team/app:2.0"));
        Assert.Equal(First, Resolve(layout + ":1.0").Digest.ToString());
        Assert.Equal(Second, Resolve(layout + ":2.0").Digest.ToString());
        Assert.Equal(layout, Resolve(layout + ":1.0").Path);
    }

    [Fact]
    public void WithoutATag_ItIsLatestOrTheOnlyImage()
    {
        using TemporaryDirectory one = new();
        Assert.Equal(First, Resolve(Make(one, (First, null, null))).Digest.ToString());
        using TemporaryDirectory named = new();
        Assert.Equal(First, Resolve(Make(named, (First, "other", "registry.test/a:other"))).Digest.ToString());
        using TemporaryDirectory several = new();
        Assert.Equal(Second, Resolve(Make(several, (First, "old", null), (Second, "latest", null))).Digest.ToString());
        using TemporaryDirectory none = new();
        Assert.Contains("2 images without a tag", Assert.Throws<InvalidDataException>(() => Resolve(Make(none, (First, null, null), (Second, null, null)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADigest_IsTakenAsItIsIfItsBlobIsThere()
    {
        using TemporaryDirectory folder = new();
        string layout = Make(folder, (First, "1.0", null), (Second, null, null));
        Assert.Equal(Second, Resolve($"{layout}@{Second}").Digest.ToString());
        Assert.Equal(Second, Resolve($"{layout}:any@{Second}").Digest.ToString());
        Assert.Equal(layout, Resolve($"{layout}:any@{Second}").Path);
        Assert.Contains(Missing, Assert.Throws<InvalidDataException>(() => Resolve($"{layout}@{Missing}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNotThere_IsToldWithWhatIs()
    {
        using TemporaryDirectory folder = new();
        string layout = Make(folder, (First, "1.0", null), (Second, "2.0", null));
        string message = Assert.Throws<InvalidDataException>(() => Resolve(layout + ":3.0")).Message;
        Assert.Contains("'3.0'", message, StringComparison.Ordinal);
        Assert.Contains("has 1.0, 2.0", message, StringComparison.Ordinal);
        Assert.Contains("not an OCI layout", Assert.Throws<InvalidDataException>(() => Resolve(folder.Path + "/none:1.0")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"manifests":[{}]}""")]
    [InlineData("""{"manifests":[{"digest":"sha256:short"}]}""")]
    [InlineData("""{"manifests":[{"digest":5}]}""")]
    [InlineData("""{"manifests":[{"digest":null}]}""")]
    [InlineData("""{"manifests":5}""")]
    public void AnIndexThatIsNone_IsRefused(string index)
    {
        using TemporaryDirectory folder = new();
        string layout = Make(folder, (First, "1.0", null));
        File.WriteAllText(Path.Combine(layout, "index.json"), index);
        Assert.Throws<InvalidDataException>(() => Resolve(layout + ":1.0"));
    }

    [Fact]
    public void APathWithColons_IsAPath()
    {
        using TemporaryDirectory folder = new();
        string odd = Path.Combine(folder.Path, "with:colon");
        Directory.CreateDirectory(odd);
        string layout = Make(odd, (First, "1.0", null));
        Assert.Equal(First, Resolve(layout).Digest.ToString());
        Assert.Equal(First, Resolve(layout + ":1.0").Digest.ToString());
    }

    private static OciLayoutReference Resolve(string rest) => OciLayoutReference.Resolve(OciLayoutReference.Scheme + rest);

    private static string Make(TemporaryDirectory folder, params (string Digest, string? Tag, string? Name)[] images) => Make(folder.Path, images);

    private static string Make(string folder, params (string Digest, string? Tag, string? Name)[] images)
    {
        Directory.CreateDirectory(Path.Combine(folder, "blobs", "sha256"));
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        List<string> manifests = [];
        foreach ((string digest, string? tag, string? name) in images)
        {
            File.WriteAllText(Path.Combine(folder, "blobs", "sha256", digest[7..]), "{}");
            List<string> annotations = [];
            if (tag is not null)
            {
                annotations.Add($"\"org.opencontainers.image.ref.name\":\"{tag}\"");
            }

            if (name is not null)
            {
                annotations.Add($"\"io.containerd.image.name\":\"{name}\"");
            }

            manifests.Add($$"""{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{digest}}","size":2,"annotations":{ {{string.Join(',', annotations)}} } }""");
        }

        File.WriteAllText(Path.Combine(folder, "index.json"), $$"""{"schemaVersion":2,"manifests":[{{string.Join(',', manifests)}}]}""");
        return folder;
    }
}
