using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Workers;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Inputs;

public sealed class ExtraHostTests
{
    private const string Label = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

    [Theory]
    [InlineData("m:10.0.0.1", "m=10.0.0.1")]
    [InlineData("m=10.0.0.1", "m=10.0.0.1")]
    [InlineData("m:fd00::1", "m=fd00::1")]
    [InlineData("m=[fd00::1]", "m=fd00::1")]
    public void AnAddress_IsSentAsItIs(string text, string sent) => Assert.Equal(sent, ExtraHost.Parse(text).Resolve(Engine(null)));

    [Theory]
    [InlineData("172.17.0.1", "m=172.17.0.1")]
    [InlineData("fd00::1", "m=fd00::1")]
    public void TheGateway_IsLookedUpBeforeItIsSent(string gateway, string sent) => Assert.Equal(sent, ExtraHost.Parse("m:host-gateway").Resolve(Engine(gateway)));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("no address")]
    public void AnEngineWithoutAGateway_IsNamed(string? gateway)
    {
        ImageBuildException refusal = Assert.Throws<ImageBuildException>(() => ExtraHost.Parse("m:host-gateway").Resolve(Engine(gateway)));
        Assert.Equal(BuildFailureKind.Unsupported, refusal.Kind);
        Assert.Contains("unix:///engine.sock", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("m")]
    [InlineData(":10.0.0.1")]
    [InlineData("m:nowhere")]
    [InlineData("m:")]
    public void WhatIsNoAddress_IsRefused(string text) => Assert.Throws<FormatException>(() => ExtraHost.Parse(text));

    private static EngineProfile Engine(string? gateway)
    {
        WorkerRecord worker = new();
        if (gateway is not null)
        {
            worker.Labels[Label] = gateway;
        }

        return EngineProfile.From(EngineAddress.Parse("unix:///engine.sock"), new ListWorkersResponse { Record = { worker } });
    }
}
