using System.Diagnostics;
using System.Globalization;
using OpenCloud.Build.Host.Diagnosis;
using OpenCloud.Build.Host.Tests.Fixture;
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
        var script = Path.Combine(RepositoryPaths.Root, "tests/fixture/engine");
        var (code, output, error) = await RunAsync(script, "up", "--owner", Environment.ProcessId.ToString(CultureInfo.InvariantCulture), engine);
        Assert.SkipWhen(code == 3, error);
        Assert.True(code == 0, error);
        var folder = output.Split('\n').First(line => line.StartsWith("folder=", StringComparison.Ordinal))["folder=".Length..];
        try
        {
            var diagnosis = await new SocketDiagnoser(GrpcProbe.AskAsync).DiagnoseAsync(Path.Combine(folder, name), null, null, TestContext.Current.CancellationToken);
            Assert.False(diagnosis.Reachable);
            Assert.Contains("another program", diagnosis.Story, StringComparison.Ordinal);
            Assert.True(remedy is null || diagnosis.Remedy?.Contains(remedy, StringComparison.Ordinal) == true, $"{diagnosis.Story} {diagnosis.Remedy}");
        }
        finally
        {
            await RunAsync(script, "down", folder);
        }
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await error);
    }
}
