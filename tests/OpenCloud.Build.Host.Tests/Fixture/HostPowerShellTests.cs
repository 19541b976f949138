using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>PowerShell from an archive, and as a .NET tool.</summary>
public sealed class HostPowerShellTests
{
    [Theory]
    [InlineData("/ocb/pwsh/pwsh", "pwsh", "pwsh.dll", "libcoreclr.so")]
    [InlineData("/dotnet /ocb/pwsh/pwsh.dll", "pwsh", "pwsh.dll")]
    public void EachFormHasItsCommand(string command, params string[] files)
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("ocb-pwsh-");
        try
        {
            Assert.All(files, file => File.WriteAllText(Path.Combine(home.FullName, file), string.Empty));
            Assert.EndsWith(command, HostPowerShell.CommandOf(home.FullName), StringComparison.Ordinal);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
