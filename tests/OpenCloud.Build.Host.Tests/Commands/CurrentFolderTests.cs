using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Daemonless;
using OpenCloud.Build.Host.Systemd;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Commands;

/// <summary>Tests that change what a process has once: its current directory and its variables. They run while no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessWide
{
    public const string Name = "process-wide";
}

/// <summary>Programs that change a host, and those of a private engine: none is taken from the current directory, none inherits what it must not.</summary>
[Collection(ProcessWide.Name)]
public sealed class CurrentFolderTests : IDisposable
{
    private const string Secret = "OCB_TEST_TOKEN";

    private readonly string _checkout = Directory.CreateTempSubdirectory("ocb-checkout-").FullName;
    private readonly string _folder = Environment.CurrentDirectory;
    private readonly string? _path = Environment.GetEnvironmentVariable("PATH");

    public CurrentFolderTests()
    {
        foreach (string? name in new[] { "setsid", "getent", "setpriv", "rootlesskit", "buildkitd", "ocb-nowhere" })
        {
            Add(name, $"echo > '{_checkout}/ran-{name}'");
        }

        Environment.CurrentDirectory = _checkout;
        Environment.SetEnvironmentVariable("PATH", $":.:{_path}");
        Environment.SetEnvironmentVariable(Secret, "hidden");
        Environment.SetEnvironmentVariable("HTTPS_PROXY", "http://proxy.test:1");
    }

    [Fact]
    public void ProgramsOfTheSystem_AreTheSystems()
    {
        Assert.StartsWith("root:", HostCommand.Run("getent", ["passwd", "root"], TestContext.Current.CancellationToken).Output, StringComparison.Ordinal);
        Assert.Equal(127, HostCommand.Run("ocb-nowhere", [], TestContext.Current.CancellationToken).ExitCode);
        Assert.Null(HostCommand.Find("ocb-nowhere", alsoOnPath: true));
        Assert.Empty(Ran());
    }

    [Fact]
    public async Task PrivateEngine_IsNotOfTheCurrentDirectory()
    {
        Assert.SkipUnless(HostCommand.Find("buildkitd", alsoOnPath: true) is null, "This machine has a buildkitd.");
        HostException missing = await Assert.ThrowsAsync<HostException>(() => StartAsync(null));
        Assert.Equal(HostErrorKind.NotFound, missing.Kind);
        Assert.Empty(Ran());
    }

    [Fact]
    public async Task PrivateEngine_IsGivenTheProxyAndNoSecret()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Without root it needs rootlesskit.");
        string daemon = Add("engine", $"echo \"token=${Secret} proxy=$HTTPS_PROXY\" >&2; exit 3");
        HostException ended = await Assert.ThrowsAsync<HostException>(() => StartAsync(daemon));
        Assert.Contains("ended with 3", ended.Message, StringComparison.Ordinal);
        Assert.Contains("token= proxy=http://proxy.test:1", ended.Message, StringComparison.Ordinal);
        Assert.Empty(Ran());
    }

    [Fact]
    public void WhatRunsAsAnotherUser_HasNothingOfRootsEnvironment()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Becoming another user needs root.");
        UserManager manager = new(AccountDatabase.FindUser("nobody")!);
        IEnumerable<string> names = manager.As("env", [], cancellationToken: TestContext.Current.CancellationToken).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')[0]);
        Assert.Equal(["HOME", "LC_ALL", "LOGNAME", "PATH", "SYSTEMD_COLORS", "SYSTEMD_PAGER", "USER", "XDG_RUNTIME_DIR"], names.Order());
        Assert.Empty(Ran());
    }

    public void Dispose()
    {
        Environment.CurrentDirectory = _folder;
        Environment.SetEnvironmentVariable("PATH", _path);
        Environment.SetEnvironmentVariable(Secret, null);
        Environment.SetEnvironmentVariable("HTTPS_PROXY", null);
        Directory.Delete(_checkout, recursive: true);
    }

    private static Task<PrivateEngine> StartAsync(string? program)
        => PrivateEngine.StartAsync(program, static (_, _) => throw new IOException("nothing to ask"), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    private string[] Ran() => Directory.GetFiles(_checkout, "ran-*");

    private string Add(string name, string script)
    {
        string path = Path.Combine(_checkout, name);
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        return path;
    }
}
