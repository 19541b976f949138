using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Tests.Engines;
using OpenCloud.Build.Linux.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Programs;

/// <summary>A checkout brings programs with the names of those that are looked for, and the caller works in it.</summary>
[Collection(ProcessWide.Name)]
public sealed class CurrentFolderTests
{
    private static readonly string[] Names = ["docker-credential-foo", "ssh-agent", "ssh-add", "setsid", "true"];

    [Theory]
    [InlineData(false, "/usr/sbin:/usr/bin:/sbin:/bin")]
    [InlineData(false, ":.:bin:./bin::/usr/sbin:/usr/bin:/sbin:/bin:")]
    [InlineData(true, "/usr/sbin:/usr/bin:/sbin:/bin")]
    [InlineData(true, ":.:bin:./bin::/usr/sbin:/usr/bin:/sbin:/bin:")]
    public void NoProgramInIt_IsRun(bool asNobody, string path)
    {
        Assert.SkipUnless(!asNobody || Environment.IsPrivilegedProcess, "Becoming another user needs root.");
        using ProgramFolder checkout = new();
        foreach (string name in Names)
        {
            checkout.Add(name);
            checkout.Add("bin/" + name);
        }

        string folder = Environment.CurrentDirectory;
        string? variable = Environment.GetEnvironmentVariable("PATH");
        Environment.CurrentDirectory = checkout.Path;
        Environment.SetEnvironmentVariable("PATH", path);
        try
        {
            _ = asNobody ? OtherUser.Run(LookForAll) : LookForAll();
        }
        finally
        {
            Environment.CurrentDirectory = folder;
            Environment.SetEnvironmentVariable("PATH", variable);
        }

        Assert.Empty(checkout.Ran);
    }

    private static bool LookForAll()
    {
        RegistryCredentialException missing = Assert.Throws<RegistryCredentialException>(() => CredentialHelper.GetAsync("foo", "registry.test", CancellationToken.None).GetAwaiter().GetResult());
        Assert.Contains("docker-credential-foo", missing.Message, StringComparison.Ordinal);
        try
        {
            // The system's own, where there is one.
            PrivateSshAgent.Start([]).Dispose();
        }
        catch (IOException)
        {
        }

        ProgramResult result = ProgramRunner.Run(new ProgramCommand(ProgramFinder.OnPath("true")!, [], ProgramEnvironment.Inherited()));
        Assert.Equal(0, result.ExitCode);
        return true;
    }
}
