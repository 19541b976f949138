using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using OpenCloud.Build.Client;
using OpenCloud.Build.Host;
using Xunit;

namespace OpenCloud.Build.Linux.Tests;

public sealed class CallsTests
{
    [Theory]
    [InlineData(typeof(BuildKitClient))]
    [InlineData(typeof(HostException))]
    public void ClientAndHostHaveNoCallsOfTheirOwn(Type of)
    {
        using PEReader file = new(File.OpenRead(of.Assembly.Location));
        MetadataReader metadata = file.GetMetadataReader();
        string[] imports =
        [
            .. metadata.MethodDefinitions.Select(metadata.GetMethodDefinition)
                .Where(method => !method.GetImport().Module.IsNil)
                .Select(method => metadata.GetString(method.Name)),
        ];
        Assert.Empty(imports);
    }

    [Fact]
    public void AnErrorKeepsItsNumber()
    {
        Assert.Equal(28, LinuxCalls.Failure("Cannot write", "/x", 28).HResult);
        Assert.IsType<UnauthorizedAccessException>(LinuxCalls.Failure("Cannot write", "/x", LinuxCalls.AccessDenied));
        Assert.IsType<FileNotFoundException>(LinuxCalls.Failure("Cannot write", "/x", LinuxCalls.NoEntry));
    }
}
