using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Changes;

/// <summary>Records that a user can write: root takes nothing from them but versions, and replays nothing of them.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class RecordTests
{
    private const string Hostile =
        """
        {"Version":"v0.32.2","Prefix":"/opt/x","Worker":"Oci","Namespace":"","Group":"g","Programs":{},"Changes":[{"$type":"file","Target":"/etc/passwd","Sha256":"x"}],
         "Rootless":{"User":"../../../../../etc\nf /etc/sudoers.d/x 0440 root root - all","Uid":0,"Home":"/root","State":"/etc","SystemUnit":true,"RootlessKit":"/opt/x/bin/rootlesskit"}}
        """;

    /// <summary>The first run was killed before apt had installed the package; the next run installed it.</summary>
    [Fact]
    public void APackageOfTwoRunsHasWhatBothBrought()
    {
        PackagesInstalled first = new("containerd", ["a"], ["/var/lib/containerd"], ["runc"]);
        PackagesInstalled next = new("containerd", ["a", "runc"], [], ["containerd"]);
        PackagesInstalled merged = Assert.IsType<PackagesInstalled>(Assert.Single(InstallationManifest.Merge([], [first, next])));
        Assert.Equal(["runc", "containerd"], merged.Added);
        Assert.Equal(["/var/lib/containerd"], merged.AbsentBefore);
    }

    [Fact]
    public void NothingButVersionsIsTakenFromAUsersManifest()
    {
        using StrangersFolder folder = new();
        string records = folder.Records();
        StrangersFolder.As(() => File.WriteAllText($"{records}/installation.json", Hostile));
        (RootlessPaths? layout, InstallationManifest? manifest) = UsersOwnEngine.Of(folder.Account)!.Value;
        Assert.Equal(folder.Account, layout.User);
        Assert.Equal($"{folder.Home}/.local/share/buildkit", layout.State);
        Assert.False(layout.SystemUnit);
        Assert.Equal(("stranger", StrangersFolder.Uid, folder.Home, layout.State), (manifest.Rootless!.User, manifest.Rootless.Uid, manifest.Rootless.Home, manifest.Rootless.State));
        Assert.Empty(manifest.Changes);
        Assert.Equal("v0.32.2", manifest.Version);
        Assert.Equal(($"{folder.Home}/.local", $"{folder.Home}/.local"), (layout.Prefix, manifest.Prefix));
        Assert.NotEqual("/opt/x/bin/rootlesskit", manifest.Rootless.RootlessKit);
    }

    [Theory]
    [InlineData("HOME/.local/bin/rootlesskit", "HOME/.local", true)]
    [InlineData("HOME/tools/bin/rootlesskit", "HOME/tools", true)]
    [InlineData("/opt/x/bin/rootlesskit", "/opt/x", false)]
    [InlineData("HOME/open/bin/rootlesskit", "HOME/open", false)]
    [InlineData("HOME/link/bin/rootlesskit", "HOME/link", false)]
    [InlineData("/bin/sh\t-c", "HOME/tools", false)]
    [InlineData("HOME/tools/bin/rootlesskit", "HOME/tools/../../etc", false)]
    [InlineData("HOME/tools/bin/rootlesskit", "HOME/tools$(id)", false)]
    public void ProgramsAreTheUsersOwnOrThoseOfTheUsualPlace(string kit, string prefix, bool isBelieved)
    {
        using StrangersFolder folder = new("/run");
        string records = folder.Records();
        (kit, prefix) = (kit.Replace("HOME", folder.Home, StringComparison.Ordinal), prefix.Replace("HOME", folder.Home, StringComparison.Ordinal));
        StrangersFolder.As(() =>
        {
            File.WriteAllText($"{records}/installation.json", Hostile);
            foreach (string? name in new[] { ".local", "tools", "open" })
            {
                string bin = Directory.CreateDirectory($"{folder.Home}/{name}/bin").FullName;
                File.WriteAllText($"{bin}/rootlesskit", "x");
                File.WriteAllText($"{bin}/buildkitd", "x");
            }

            File.SetUnixFileMode($"{folder.Home}/open/bin", (UnixFileMode)0x1ff);
            File.CreateSymbolicLink($"{folder.Home}/link", "/usr");
            Directory.CreateDirectory($"{folder.Home}/.config/systemd/user");
            File.WriteAllText($"{folder.Home}/.config/systemd/user/buildkit.service", $"[Service]\nExecStart={kit} --net=pasta {prefix}/bin/buildkitd --config x\n");
        });
        (RootlessPaths? layout, InstallationManifest? manifest) = UsersOwnEngine.Of(folder.Account)!.Value;
        Assert.Equal(isBelieved ? prefix : $"{folder.Home}/.local", layout.Prefix);
        Assert.Equal(isBelieved ? kit : $"{folder.Home}/.local/bin/rootlesskit", manifest.Rootless!.RootlessKit);
    }

    [Fact]
    public async Task AProgramWithAHoleOf1TiBHoldsNobody()
    {
        using StrangersFolder folder = new();
        StrangersFolder.As(() =>
        {
            using FileStream file = File.Create($"{folder.Home}/rootlesskit");
            file.SetLength(1L << 40);
        });
        Task<bool> read = Task.Run(() => new HostView().Contains($"{folder.Home}/rootlesskit", "pasta-binary"), TestContext.Current.CancellationToken);
        Assert.False(await read.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("\"v0.32.2\"", "\"v0.32.2\\n\"")]
    [InlineData("\"v0.32.2\"", "{}")]
    [InlineData("{\"Version\"", "[{\"Version\"")]
    public void WhatCannotBeIsNoManifest(string text, string instead)
    {
        using StrangersFolder folder = new();
        string records = folder.Records();
        Assert.Contains(text, Hostile, StringComparison.Ordinal);
        StrangersFolder.As(() => File.WriteAllText($"{records}/installation.json", Hostile.Replace(text, instead, StringComparison.Ordinal)));
        Assert.Null(UsersOwnEngine.Of(folder.Account));
    }

    [Theory]
    [InlineData("[{\"Target\":\"/etc/a\"}]")]
    [InlineData("[{\"$type\":\"file\"}]")]
    [InlineData("[{\"$type\":\"nothing\",\"Target\":\"/etc/a\"}]")]
    [InlineData("{")]
    public void AJournalThatIsNoneIsRefusedInWords(string text)
    {
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => ChangeJournal.Parse(text, "it")).Kind);
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => InstallationManifest.Parse("{\"Version\":\"v1.2.3\",\"Changes\":" + text + "}", "it")).Kind);
    }

    [Fact]
    public void DigitsOfOtherScriptsAreNoVersion() =>
        Assert.Throws<HostException>(() => OpenCloud.Build.Host.Releases.BuildKitVersion.Parse("v\u0663.1.2"));

    [Theory]
    [InlineData("pipe")]
    [InlineData("/dev/zero")]
    [InlineData("/etc/shadow")]
    [InlineData("large")]
    public async Task AUsersManifestHoldsNobodyAndFillsNothing(string what)
    {
        using StrangersFolder folder = new();
        string manifest = $"{folder.Records()}/installation.json";
        switch (what)
        {
            case "pipe":
                StrangersFolder.Fifo(manifest);
                break;
            case "large":
                StrangersFolder.As(() =>
                {
                    using FileStream file = File.Create(manifest);
                    file.SetLength(1L << 40);
                });
                break;
            default:
                StrangersFolder.As(() => File.CreateSymbolicLink(manifest, what));
                break;
        }

        long before = GC.GetTotalAllocatedBytes(precise: true);
        Task<(RootlessPaths Layout, InstallationManifest Manifest)?> read = Task.Run(() => UsersOwnEngine.Of(folder.Account), TestContext.Current.CancellationToken);
        Assert.Null(await read.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 64 << 20);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../../etc/passwd")]
    [InlineData("a\nf /etc/sudoers.d/x")]
    [InlineData("a b")]
    [InlineData("a%h")]
    [InlineData("-a")]
    [InlineData("")]
    public void ANameThatWouldLeaveItsPlaceHasNoLayout(string name)
    {
        Assert.Throws<HostException>(() => new RootlessPaths(new UserAccount(name, 1000, 1000, "/home/a", "/bin/sh"), true, "/opt/buildkit", "/home/a/state", false));
        Assert.Throws<HostException>(() => RootlessPaths.RecordsOf(new UserAccount(name, 1000, 1000, "/home/a", "/bin/sh"), true));
    }

    [Fact]
    public void AHomeWithALineBreakHasNoLayout()
        => Assert.Throws<HostException>(() => new RootlessPaths(new UserAccount("a", 1000, 1000, "/home/a\nExecStartPre=/bin/id", "/bin/sh"), true, "/opt/buildkit", "/home/a/state", false));

    [Fact]
    public void AJournalThatOthersCanWriteIsNotReplayed()
    {
        using StrangersFolder folder = new();
        string victim = $"{folder.Root}/victim";
        File.WriteAllText(victim, "root's");
        string text = $$"""[{"$type":"directory","Target":"{{victim}}","WithContent":true}]""";

        // The stranger's own folder, which a name with ../ led to.
        string records = folder.Records();
        StrangersFolder.As(() => File.WriteAllText($"{records}/journal.json", text));
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => ChangeJournal.Open(records)).Kind);

        // Root's folder, reached through a link of the stranger's.
        string roots = Directory.CreateDirectory($"{folder.Root}/roots").FullName;
        File.WriteAllText($"{roots}/journal.json", text);
        StrangersFolder.As(() => File.CreateSymbolicLink($"{folder.Home}/link", roots));
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => ChangeJournal.Open($"{folder.Home}/link")).Kind);

        // Root's folder, but a file or folder that others can write to.
        File.SetUnixFileMode($"{roots}/journal.json", (UnixFileMode)0x1b6);
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => ChangeJournal.Open(roots)).Kind);
        File.SetUnixFileMode($"{roots}/journal.json", (UnixFileMode)0x180);
        File.SetUnixFileMode(roots, (UnixFileMode)0x1ff);
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => ChangeJournal.Open(roots)).Kind);
        File.SetUnixFileMode(roots, (UnixFileMode)0x1ed);
        Assert.Single(ChangeJournal.Open(roots).Changes);
        Assert.True(File.Exists(victim));
    }

    [Fact]
    public void AManifestOfRootsThatOthersCanWriteIsRefused()
    {
        using StrangersFolder folder = new();
        string roots = Directory.CreateDirectory($"{folder.Root}/roots").FullName;
        File.WriteAllText(
            $"{roots}/{InstallationManifest.FileName}",
            """{"Version":"v1.2.3","Prefix":"/usr/local","Worker":"Oci","Namespace":"default","Group":"buildkit","Programs":{},"Changes":[]}""");
        Assert.NotNull(InstallationManifest.Load(roots));
        FileStatus.Give($"{roots}/{InstallationManifest.FileName}", StrangersFolder.Uid, 0);
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => InstallationManifest.Load(roots)).Kind);
    }

    [Fact]
    public void ARollbackKeepsWhatItCouldNotUndo()
    {
        using StrangersFolder folder = new();
        string records = Directory.CreateDirectory($"{folder.Root}/records").FullName;
        string done = Directory.CreateDirectory($"{folder.Root}/made").FullName;
        ChangeJournal journal = ChangeJournal.Open(records);
        journal.Append(new DirectoryCreated(done, WithContent: true));
        journal.Append(new TextWritten("/etc/passwd", "0", null, "no-such-user-here"));
        IReadOnlyList<string> left = journal.RollBack(static _ => { });
        Assert.False(Directory.Exists(done));
        Assert.Contains(left, line => line.Contains("no-such-user-here", StringComparison.Ordinal));
        Assert.Contains(left, line => line.Contains("journal.json", StringComparison.Ordinal));
        Assert.IsType<TextWritten>(Assert.Single(ChangeJournal.Open(records).Changes));
        Assert.Throws<HostException>(() => ChangeJournal.UndoInterrupted(records, static _ => { }));
        Assert.True(ChangeJournal.IsInterruptedIn(records));
    }
}
