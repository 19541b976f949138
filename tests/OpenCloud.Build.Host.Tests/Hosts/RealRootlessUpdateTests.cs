using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>Two real releases without root: an older one, a newer one, and the way back, each ending with an image built.</summary>
public sealed class RealRootlessUpdateTests
{
    [Theory]
    [InlineData("bookworm", "ubuntu")]
    [InlineData("trixie", null)]
    public void AnUpdate_AndTheWayBack_BuildEachTime(string suite, string? self)
    {
        Assert.SkipWhen(TestArchive.Older is null || TestArchive.Real is null, "OPENCLOUD_BUILD_TEST_BUILDKIT_OLDER and OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE name no archives of two real BuildKits");
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        (TestArchive? older, TestArchive? newer) = (TestArchive.RealOne(host, TestArchive.Older!), TestArchive.UnderTest(host));
        string user = self ?? "buildkituser";
        (string? prefix, string? settings) = self is null ? ("/opt/buildkit", $"/home/{user}/.config/buildkit/buildkitd.toml") : ($"/home/{user}/.local", $"/home/{user}/.config/buildkit/buildkitd.toml");
        DriverAnswer Run(params string[] command) => self is null ? host.Driver([.. command, "--rootless", "--user", user]) : host.DriverAs(self, [.. command, "--rootless"]);
        if (self is not null)
        {
            // Root's part, as the script that root is given.
            host.Shell($"printf '%s' '{Run(["install", "--what-if", .. older.Options]).Ok()["RootScript"]!.Replace("'", "'\\''", StringComparison.Ordinal)}' | sh >/dev/null 2>&1");
        }

        Run(["install", .. older.Options]).Ok();
        string socket = rootless.SocketOf(user);
        rootless.Build(user, socket, older, prefix);
        (string? files, string? bounds) = (host.Shell($"find {prefix}/bin -maxdepth 1 -type f -exec sha256sum {{}} + | sort"), host.Run("cat", settings));

        DriverAnswer updated = Run(["update", .. newer.Options]).Ok();
        Assert.Equal(older.Version, updated["PreviousVersion"]);
        Assert.Contains(newer.Version, updated["Engine"], StringComparison.Ordinal);
        Assert.Contains(newer.Bound, host.Run("cat", settings), StringComparison.Ordinal);
        rootless.Build(user, socket, newer, prefix);

        TestArchive mute = TestArchive.StandIn(host, "v0.33.0", "--mute");
        Assert.Equal("The host was restored to its previous state.", Run(["update", "--patience", "3", .. mute.Options]).Failed("EngineSilent")["Aftermath"]);
        rootless.Build(user, socket, newer, prefix);

        DriverAnswer back = Run("update", "--rollback").Ok();
        Assert.Contains(older.Version, back["Engine"], StringComparison.Ordinal);
        Assert.Contains(older.Sha256, back["Integrity"], StringComparison.Ordinal);
        Assert.Equal((files, bounds), (host.Shell($"find {prefix}/bin -maxdepth 1 -type f -exec sha256sum {{}} + | sort"), host.Run("cat", settings)));
        rootless.Build(user, socket, older, prefix);
        host.Reboot();
        rootless.HasStartedByItself(user);
        rootless.Build(user, socket, older, prefix);
        Assert.Contains(newer.Version, Run("update", "--rollback").Ok()["Engine"], StringComparison.Ordinal);
        rootless.Build(user, socket, newer, prefix);
    }
}
