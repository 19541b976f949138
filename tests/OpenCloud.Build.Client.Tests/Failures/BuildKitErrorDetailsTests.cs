using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Failures;

public sealed class BuildKitErrorDetailsTests
{
    [Fact]
    public void Reads_the_details_of_old_and_new_daemons()
    {
        // v0.16 writes zero positions, v0.32 leaves them out.
        BuildKitErrorDetails details = BuildKitErrorDetails.From(
        [
            Detail("stack.Stack+json", """{"frames":[]}"""),
            Detail("errdefs.Source+json", """{"info":{"filename":"Dockerfile","data":"RlJPTSBzY3JhdGNoCg==","language":"Dockerfile"},"ranges":[{"start":{"line":2,"character":0},"end":{"line":3,"character":4}}]}"""),
            Detail("errdefs.Source+json", """{"info":{"filename":"inner"},"ranges":[{"start":{"line":7},"end":{}},{"start":{},"end":{}}]}"""),
            Detail("errdefs.Vertex+json", """{"digest":"sha256:0123"}"""),
            Detail("gatewayapi.ExitMessage+json", """{"Code":137,"Error":null}"""),
            Detail("errdefs.Solve+json", """{"inputIDs":["a"],"op":{"exec":{}},"description":{"llb.customname":"RUN false"}}"""),
            Detail("errdefs.Subrequest+json", """{"name":"frontend.lint"}"""),
            Detail("errdefs.FrontendCap+json", """{"name":"cap.x"}"""),
            Detail("errdefs.Frontend+json", """{"name":"dockerfile.v0"}"""),
        ]);
        Assert.Equal(["Dockerfile", "inner"], details.Sources.Select(static s => s.FileName));
        Assert.Equal("FROM scratch\n", Encoding.UTF8.GetString(details.Sources[0].Data.Span));
        Assert.Equal("Dockerfile", details.Sources[0].Language);
        Assert.Equal(new SourceRange(2, 0, 3, 4), Assert.Single(details.Sources[0].Ranges));
        Assert.Equal(new SourceRange(7, 0, 7, 0), Assert.Single(details.Sources[1].Ranges));
        Assert.Equal("sha256:0123", details.VertexDigest);
        Assert.Equal(137u, details.ExitCode);
        Assert.Equal("RUN false", details.OperationDescription["llb.customname"]);
        Assert.Equal("frontend.lint", details.UnsupportedSubrequest);
        Assert.Equal("cap.x", details.MissingFrontendCapability);
        Assert.Equal("dockerfile.v0", details.Frontend);
    }

    [Theory]
    [InlineData("errdefs.Source+json", "")]
    [InlineData("errdefs.Source+json", "null")]
    [InlineData("errdefs.Source+json", "[]")]
    [InlineData("errdefs.Source+json", """{"info":5,"ranges":5}""")]
    [InlineData("errdefs.Vertex+json", """{"digest":5}""")]
    [InlineData("errdefs.Vertex+json", """{"digest":""")]
    [InlineData("gatewayapi.ExitMessage+json", """{"Code":-1}""")]
    [InlineData("gatewayapi.ExitMessage+json", """{"Code":"x"}""")]
    [InlineData("errdefs.Solve+json", """{"description":[1]}""")]
    [InlineData("errdefs.Vertex+json", "{\"digest\":\"\\ud800\"}")]
    [InlineData("errdefs.SomethingNew+json", "{}")]
    public void A_bad_detail_does_not_hide_the_others(string type, string json)
    {
        BuildKitErrorDetails details = BuildKitErrorDetails.From([Detail(type, json), Detail("errdefs.Frontend+json", """{"name":"f"}""")]);
        Assert.Equal("f", details.Frontend);
        Assert.Empty(details.Sources);
        Assert.Null(details.VertexDigest);
        Assert.Null(details.ExitCode);
    }

    [Fact]
    public void A_source_with_odd_parts_keeps_the_good_ones()
    {
        ErrorSource source = Assert.Single(BuildKitErrorDetails.From(
        [
            Detail("errdefs.Source+json", """{"info":{"filename":"f","data":"*"},"ranges":[5,null,{"start":5},{"start":{"line":4,"character":99999999999},"end":{"line":2}}]}"""),
        ]).Sources);
        Assert.Equal("f", source.FileName);
        Assert.True(source.Data.IsEmpty);
        Assert.Equal(new SourceRange(4, 0, 4, 0), Assert.Single(source.Ranges));
    }

    [Theory]
    [InlineData("!!!")]
    [InlineData("AAAA")]
    [InlineData("A")]
    [InlineData("")]
    public void Garbled_status_details_are_no_details(string encoded) => Assert.Empty(CallErrors.DetailsOf(
        CallErrors.Create(StatusCode.Unknown, "x", null, new HeaderList { { CallErrors.DetailsField, encoded } }.ToMetadata())));

    private static Any Detail(string type, string json) => new() { TypeUrl = "github.com/moby/buildkit/" + type, Value = ByteString.CopyFromUtf8(json) };
}
