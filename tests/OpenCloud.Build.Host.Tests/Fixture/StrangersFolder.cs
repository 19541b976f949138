using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>A folder of root's with one in it that a stranger owns, as a home is; what the stranger does there is done with the stranger's rights.</summary>
internal sealed class StrangersFolder : IDisposable
{
    public const uint Uid = 61234;

    public StrangersFolder()
        : this(Path.GetTempPath())
    {
    }

    /// <param name="above">Where it is made. Homes do not lie below a folder that all can write to.</param>
    public StrangersFolder(string above)
    {
        Assert.SkipUnless(Identity.Current().Uid == 0, "needs root to stand for two users");
        Root = Directory.CreateDirectory(Path.Combine(above, $"ocb-hostile-{Guid.NewGuid():N}")).FullName;
        File.SetUnixFileMode(Root, (UnixFileMode)0x1ed);
        Home = Directory.CreateDirectory($"{Root}/home").FullName;
        FileStatus.Give(Home, Uid, Uid);
    }

    public string Root { get; }

    public string Home { get; }

    public UserAccount Account => new("stranger", Uid, Uid, Home, "/bin/sh");

    /// <summary>Does something as the stranger.</summary>
    public static void As(Action work) => IdentityThread.Run(new Identity(Uid, Uid, []), () =>
    {
        work();
        return true;
    });

    public string Records()
    {
        string folder = $"{Home}/.local/state/opencloud.build";
        As(() => Directory.CreateDirectory(folder));
        return folder;
    }

    public static void Fifo(string path)
        => As(() => Assert.Equal(0, LinuxCalls.MakeFifo(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), 0x1b6)));

    public void Dispose() => TreeRemoval.Remove(Root);
}
