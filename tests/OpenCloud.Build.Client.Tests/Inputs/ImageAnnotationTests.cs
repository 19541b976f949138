using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Inputs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Inputs;

public sealed class ImageAnnotationTests
{
    [Theory]
    [InlineData("org.example", "annotation-manifest.org.example")]
    [InlineData("manifest:org.example", "annotation-manifest.org.example")]
    [InlineData("index:org.example", "annotation-index.org.example")]
    [InlineData("manifest-descriptor:org.example", "annotation-manifest-descriptor.org.example")]
    [InlineData("index-descriptor:org.example", "annotation-index-descriptor.org.example")]
    [InlineData("manifest[linux/arm64]:org.example", "annotation-manifest[linux/arm64].org.example")]
    [InlineData("manifest-descriptor[linux/arm/v7]:a:b", "annotation-manifest-descriptor[linux/arm/v7].a:b")]
    public void AKey_SaysWhereItStands(string key, string attribute)
    {
        Assert.True(ImageAnnotation.TryParse(key, "value", out IReadOnlyList<ImageAnnotation>? annotations, out string? error), error);
        Assert.Equal(attribute, Assert.Single(annotations).ToAttribute());
        Assert.Equal("value", annotations[0].Value);
        Assert.Equal(attribute.StartsWith("annotation-index", StringComparison.Ordinal), annotations[0].NeedsIndex);
    }

    [Fact]
    public void SeveralPlaces_MakeSeveralAnnotations()
    {
        Assert.True(ImageAnnotation.TryParse("index,manifest[linux/amd64],manifest-descriptor:k", "v", out IReadOnlyList<ImageAnnotation>? annotations, out _));
        Assert.Equal(["annotation-index.k", "annotation-manifest[linux/amd64].k", "annotation-manifest-descriptor.k"], annotations.Select(static a => a.ToAttribute()));
    }

    [Theory]
    [InlineData("", "name is empty")]
    [InlineData("manifest:", "name is empty")]
    [InlineData("with space", "white space")]
    [InlineData("cover:k", "the level 'cover' is unknown")]
    [InlineData("manifest,:k", "the level '' is unknown")]
    [InlineData("index[linux/amd64]:k", "only manifest")]
    [InlineData("manifest[linux/amd64:k", "only manifest")]
    [InlineData("manifest[]:k", "")]
    [InlineData("manifest[a b]:k", "")]
    public void WhatCannotBe_IsToldWhy(string key, string part)
    {
        Assert.False(ImageAnnotation.TryParse(key, "v", out IReadOnlyList<ImageAnnotation>? annotations, out string? error));
        Assert.Null(annotations);
        Assert.NotEmpty(error);
        Assert.Contains(part, error, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyKey_IsReadOrRefusedWithAReason() => Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), ArbMap.Default.ArbFor<NonNull<string>>(), static (key, value) =>
        ImageAnnotation.TryParse(key.Get, value.Get, out IReadOnlyList<ImageAnnotation>? annotations, out string? error)
            ? annotations.Count > 0 && annotations.All(a => a.Value == value.Get && a.Key.Length > 0)
            : error.Length > 0).QuickCheckThrowOnFailure();
}
