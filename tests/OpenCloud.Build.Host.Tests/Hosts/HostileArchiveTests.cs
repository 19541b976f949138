using System.Formats.Tar;
using System.IO.Compression;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>Archives made to do harm, whose hash is even known: each is refused, and the host is the same to the last file.</summary>
public abstract class HostileArchiveTests(string suite)
{
    private static readonly (string Name, Action<TarWriter> Fill)[] Archives =
    [
        ("parent", tar => TestArchive.Add(tar, "../../../etc/cron.d/evil", "x")),
        ("parent behind bin", tar => TestArchive.Add(tar, "bin/../../sbin/evil", "x")),
        ("absolute", tar => TestArchive.Add(tar, "/etc/cron.d/evil", "x")),
        ("another folder", tar => TestArchive.Add(tar, "etc/cron.d/evil", "x")),
        ("symbolic link over a program", tar =>
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/buildctl") { LinkName = "/etc/passwd" });
            TestArchive.Add(tar, "bin/buildctl", "x");
        }),
        ("chain of symbolic links", tar =>
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/a") { LinkName = ".." });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/b") { LinkName = "a/../../../etc" });
            TestArchive.Add(tar, "bin/b/cron.d/evil", "x");
        }),
        ("chain of hard links", tar =>
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "bin/a") { LinkName = "/etc/shadow" });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "bin/b") { LinkName = "bin/a" });
            TestArchive.Add(tar, "bin/b", "x");
        }),
        ("bin itself a link", tar =>
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin") { LinkName = "/usr/sbin" });
            TestArchive.Add(tar, "bin/evil", "x");
        }),
        ("character device", tar => tar.WriteEntry(new PaxTarEntry(TarEntryType.CharacterDevice, "bin/mem") { DeviceMajor = 1, DeviceMinor = 1 })),
        ("block device", tar => tar.WriteEntry(new PaxTarEntry(TarEntryType.BlockDevice, "bin/disk") { DeviceMajor = 8, DeviceMinor = 0 })),
        ("fifo", tar => tar.WriteEntry(new PaxTarEntry(TarEntryType.Fifo, "bin/pipe"))),
        ("many", tar =>
        {
            for (int i = 0; i < 300; i++)
            {
                TestArchive.Add(tar, $"bin/f{i}", "x");
            }
        }),
    ];

    [Fact]
    public void EachIsRefused_AndTheHostIsAsBefore()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        string before = host.Snapshot();
        foreach ((string? name, Action<TarWriter>? fill) in Archives)
        {
            Refused(host, name, path => TestArchive.Write(path, tar =>
            {
                fill(tar);
                TestArchive.Add(tar, "bin/buildkitd", "#!/bin/sh\n");
            }));
        }

        Assert.Equal(before, host.Snapshot());
        Assert.Equal("1000 root", host.Shell("stat -c '%u' /home/ubuntu | tr '\\n' ' '; stat -c '%U' /etc/shadow").Trim());
    }

    [Fact]
    public void Huge_ByItsWordAndInTruth()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        string before = host.Snapshot();

        // A header that promises a tebibyte, an extension header that promises four gibibytes, and files that are what they say.
        Refused(host, "a tebibyte", path => WriteRaw(path, HostileTar.Header("bin/buildkitd", 1L << 40, '0')));
        Refused(host, "a header of four gibibytes", path => WriteRaw(path, HostileTar.Header("bin/x", 4L << 30, 'x')));
        Refused(host, "a name of a gibibyte", path => WriteRaw(path, HostileTar.Header("././@LongLink", 1L << 30, 'L'), zeros: 64L << 20));
        Refused(host, "600 MiB of zeros", path => WriteRaw(path, HostileTar.Header("bin/buildkitd", 600L << 20, '0'), zeros: 600L << 20));
        Refused(host, "four files of 300 MiB", path => WriteRaw(path, HostileTar.Header("bin/f0", 300L << 20, '0'), zeros: 300L << 20, copies: 4));
        Assert.Equal(before, host.Snapshot());
    }

    private static void Refused(SystemdHost host, string name, Action<string> write)
    {
        string path = Path.Combine(host.Share, "hostile.tar.gz");
        write(path);
        DriverAnswer answer = host.Driver(["install", .. TestArchive.Of(path, "v0.32.2").Options]);
        Assert.True(answer.Code == 3 && answer["Error"] == "Integrity", $"{name}: {answer.Error}");
        Assert.True(answer["Aftermath"] == "The host was restored to its previous state.", $"{name}: {answer.Error}");
    }

    private static void WriteRaw(string path, byte[] header, long zeros = 0, int copies = 1)
    {
        using FileStream file = File.Create(path);
        using GZipStream gzip = new(file, CompressionLevel.Fastest);
        byte[] block = new byte[1 << 20];
        for (int copy = 0; copy < copies; copy++)
        {
            gzip.Write(copy == 0 ? header : HostileTar.Header($"bin/f{copy}", zeros, '0'));
            for (long left = zeros; left > 0; left -= block.Length)
            {
                gzip.Write(block);
            }
        }
    }
}

public sealed class BookwormHostileArchiveTests() : HostileArchiveTests("bookworm");

public sealed class TrixieHostileArchiveTests() : HostileArchiveTests("trixie");
