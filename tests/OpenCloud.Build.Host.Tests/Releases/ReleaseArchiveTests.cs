using System.Formats.Tar;
using System.IO.Compression;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Releases;

public sealed class ReleaseArchiveTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocb-archive-").FullName;

    private string Stage => Directory.CreateDirectory(Path.Combine(_folder, "stage")).FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TakesPlainFilesOfBin()
    {
        IReadOnlyList<string> names = Unpack(tar =>
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "bin/"));
            TestArchive.Add(tar, "bin/buildkitd", "daemon");
            TestArchive.Add(tar, "./bin/buildctl", "client");
        });
        Assert.Equal(["buildkitd", "buildctl"], names);
        Assert.Equal("daemon", File.ReadAllText(Path.Combine(Stage, "buildkitd")));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.Combine(Stage, "buildkitd")));
    }

    [Theory]
    [InlineData("../buildkitd")]
    [InlineData("bin/../../etc/passwd")]
    [InlineData("/bin/buildkitd")]
    [InlineData("bin/sub/buildkitd")]
    [InlineData("bin/.hidden")]
    [InlineData("bin/-rf")]
    [InlineData("bin/a\nb")]
    [InlineData("etc/passwd")]
    [InlineData("bin/..")]
    public void RefusesOtherPaths(string name) => Refused(tar => TestArchive.Add(tar, name, "x"));

    [Theory]
    [InlineData(TarEntryType.SymbolicLink)]
    [InlineData(TarEntryType.HardLink)]
    [InlineData(TarEntryType.CharacterDevice)]
    [InlineData(TarEntryType.BlockDevice)]
    [InlineData(TarEntryType.Fifo)]
    [InlineData(TarEntryType.Directory)]
    public void RefusesWhatIsNoRegularFile(TarEntryType type) => Refused(tar =>
    {
        PaxTarEntry entry = new(type, "bin/evil");
        if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink)
        {
            entry.LinkName = "/etc/passwd";
        }

        tar.WriteEntry(entry);
    });

    [Fact]
    public void RefusesTheSameNameTwice() => Refused(tar =>
    {
        TestArchive.Add(tar, "bin/a", "1");
        TestArchive.Add(tar, "bin/a", "2");
    });

    [Fact]
    public void RefusesTooManyEntries() => Refused(tar =>
    {
        for (int i = 0; i <= ReleaseArchive.MaxEntries; i++)
        {
            TestArchive.Add(tar, $"bin/f{i}", string.Empty);
        }
    });

    [Fact]
    public void RefusesAHugeFileByItsHeaderAlone()
    {
        // A header that promises a tebibyte; nothing follows, and nothing needs to.
        MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(HostileTar.Header("bin/buildkitd", 1L << 40, '0'));
        }

        packed.Position = 0;
        HostException error = Assert.Throws<HostException>(() => ReleaseArchive.Unpack(packed, Stage, null, TestContext.Current.CancellationToken));
        Assert.Equal(HostErrorKind.Integrity, error.Kind);
        Assert.Empty(Directory.GetFiles(Stage));
    }

    [Theory]
    [InlineData('x')]
    [InlineData('g')]
    [InlineData('L')]
    [InlineData('K')]
    public void RefusesAHeaderWithoutEnd_WithoutReadingIt(char type)
    {
        MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(HostileTar.Header("././@LongLink", 1L << 30, type));
            gzip.Write(new byte[8 << 20]);
        }

        packed.Position = 0;
        HostException error = Assert.Throws<HostException>(() => ReleaseArchive.Unpack(packed, Stage, null, TestContext.Current.CancellationToken));
        Assert.Equal(HostErrorKind.Integrity, error.Kind);
        Assert.Contains("header", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryTruncation_IsAnIntegrityError()
    {
        byte[] packed = Packed(tar => TestArchive.Add(tar, "bin/buildkitd", new string('x', 4000))).ToArray();
        int refused = 0;
        for (int length = 0; length < packed.Length - 8; length += 7)
        {
            foreach (string file in Directory.GetFiles(Stage))
            {
                File.Delete(file);
            }

            try
            {
                // The last bytes are gzip's checksum and tar's padding: everything that counts may already be there.
                ReleaseArchive.Unpack(new MemoryStream(packed[..length]), Stage, null, TestContext.Current.CancellationToken);
                Assert.Equal(4000, new FileInfo(Path.Combine(Stage, "buildkitd")).Length);
            }
            catch (HostException error)
            {
                Assert.Equal(HostErrorKind.Integrity, error.Kind);
                refused++;
            }
        }

        Assert.NotEqual(0, refused);
    }

    [Fact]
    public void RefusesAnArchiveWithoutADaemon() => Refused(tar => TestArchive.Add(tar, "bin/buildctl", "x"), addDaemon: false);

    private static MemoryStream Packed(Action<TarWriter> fill)
    {
        MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        using (TarWriter tar = new(gzip, TarEntryFormat.Pax))
        {
            fill(tar);
        }

        packed.Position = 0;
        return packed;
    }

    private IReadOnlyList<string> Unpack(Action<TarWriter> fill) => ReleaseArchive.Unpack(Packed(fill), Stage, null, CancellationToken.None);

    private void Refused(Action<TarWriter> fill, bool addDaemon = true)
    {
        HostException error = Assert.Throws<HostException>(() => Unpack(tar =>
        {
            fill(tar);
            if (addDaemon)
            {
                TestArchive.Add(tar, "bin/buildkitd", "x");
            }
        }));
        Assert.Equal(HostErrorKind.Integrity, error.Kind);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_folder, "*", SearchOption.AllDirectories), path => new FileInfo(path).LinkTarget is not null);
    }
}
