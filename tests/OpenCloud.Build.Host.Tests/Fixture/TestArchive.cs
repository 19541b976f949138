using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>An archive like a release's: with the stand-in for buildkitd, or a real one where it is given.</summary>
internal sealed record TestArchive(string FileName, string Version, string Sha256)
{
    /// <summary>A real archive to use in its place: OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE.</summary>
    public static string? Real { get; } = Given("OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE");

    /// <summary>A real archive of an older version, to update from: OPENCLOUD_BUILD_TEST_BUILDKIT_OLDER.</summary>
    public static string? Older { get; } = Given("OPENCLOUD_BUILD_TEST_BUILDKIT_OLDER");

    /// <summary>Whether images can be built, too: where no real release is given the test's result says that they were not.</summary>
    public static bool IsReal()
    {
        if (Real is null)
        {
            TestContext.Current.AddWarning("no image was built: OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE names no archive of a real BuildKit");
        }

        return Real is not null;
    }

    /// <summary>As the host sees it.</summary>
    public string Path => $"/ocb/share/{FileName}";

    /// <summary>What bounds the cache in the settings of its version.</summary>
    public string Bound => Version.StartsWith("v0.16.", StringComparison.Ordinal) ? "keepBytes" : "maxUsedSpace";

    /// <summary>The options that install it.</summary>
    public string[] Options => ["--version", Version, "--archive", Path, "--sha256", Sha256];

    /// <summary>Puts the archive under test into a host's shared folder: the real one, else the stand-in as v0.32.2.</summary>
    public static TestArchive UnderTest(ITestHost host)
        => Real is null ? StandIn(host, "v0.32.2") : RealOne(host, Real);

    /// <summary>Puts a real archive into a host's shared folder.</summary>
    public static TestArchive RealOne(ITestHost host, string path)
    {
        string version = Regex.Match(System.IO.Path.GetFileName(path), @"v\d+\.\d+\.\d+").Value;
        string copy = System.IO.Path.Combine(host.Share, $"buildkit-{version}.linux-amd64.tar.gz");
        File.Copy(path, copy, overwrite: true);
        return Of(copy, version);
    }

    /// <summary>An archive whose buildkitd is the stand-in, larger by a padding if wanted.</summary>
    public static TestArchive StandIn(ITestHost host, string version, string options = "", int padding = 0)
    {
        string path = System.IO.Path.Combine(host.Share, $"buildkit-{version}.linux-amd64.tar.gz");
        Write(path, tar =>
        {
            Add(tar, "bin/buildctl", "#!/bin/sh\necho buildctl stand-in\n");
            Add(tar, "bin/buildkit-runc", "#!/bin/sh\necho runc stand-in\n");
            if (padding > 0)
            {
                // Nothing that could be compressed.
                Add(tar, "bin/padding", Convert.ToBase64String(RandomNumberGenerator.GetBytes(padding)));
            }

            Add(tar, "bin/buildkitd", $"#!/bin/sh\nexec {SystemdHost.DriverCommand} buildkitd --as-version {version} {options} \"$@\"\n");
        });
        return Of(path, version);
    }

    /// <summary>Writes a gzipped tar.</summary>
    public static void Write(string path, Action<TarWriter> fill)
    {
        using FileStream file = File.Create(path);
        using GZipStream gzip = new(file, CompressionLevel.Fastest);
        using TarWriter tar = new(gzip, TarEntryFormat.Pax);
        fill(tar);
    }

    /// <summary>Adds a regular file.</summary>
    public static void Add(TarWriter tar, string name, string text)
        => tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
            Mode = (UnixFileMode)0b111_101_101,
        });

    /// <summary>Describes an archive that is there.</summary>
    public static TestArchive Of(string path, string version)
    {
        using FileStream file = File.OpenRead(path);
        return new TestArchive(System.IO.Path.GetFileName(path), version, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static string? Given(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path ? path : null;
}
