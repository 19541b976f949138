using System.Globalization;
using OpenCloud.Build.Host.Diagnosis;
using OpenCloud.Build.HostDriver;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Diagnosis;

/// <summary>Sockets of real engines that are no standalone BuildKit, taken for one.</summary>
public sealed class OtherEngineTests
{
    [Theory]
    [InlineData("docker-26", "docker.sock", "docker://")]
    [InlineData("docker-28", "docker.sock", "docker://")]
    [InlineData("docker-28", "containerd.sock", null)]
    public async Task IsNamed_AndTheRightAddressTold(string engine, string name, string? remedy)
    {
        string up = FixtureScript.Run("engine", ["up", "--owner", Environment.ProcessId.ToString(CultureInfo.InvariantCulture), engine]).Require();
        string folder = up.Split('\n').First(line => line.StartsWith("folder=", StringComparison.Ordinal))["folder=".Length..];
        try
        {
            SocketDiagnosis diagnosis = await new SocketDiagnoser(GrpcProbe.AskAsync).DiagnoseAsync(Path.Combine(folder, name), null, null, TestContext.Current.CancellationToken);
            Assert.False(diagnosis.Reachable);
            Assert.Contains("another program", diagnosis.Story, StringComparison.Ordinal);
            Assert.True(remedy is null || diagnosis.Remedy?.Contains(remedy, StringComparison.Ordinal) == true, $"{diagnosis.Story} {diagnosis.Remedy}");
        }
        finally
        {
            FixtureScript.Run("engine", ["down", folder]).Require();
        }
    }
}
