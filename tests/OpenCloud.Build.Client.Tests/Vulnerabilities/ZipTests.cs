using System.IO.Compression;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Vulnerabilities.Osv;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Vulnerabilities;

/// <summary>The zips of OSV.dev, and those that are made to be large.</summary>
public sealed class ZipTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public async Task Zip64IsRead()
    {
        await File.WriteAllBytesAsync(_path, MadeZip.Wide("a.json", "content"), TestContext.Current.CancellationToken);

        // What another reader finds in it.
        using (ZipArchive zip = await ZipFile.OpenReadAsync(_path, TestContext.Current.CancellationToken))
        {
            using StreamReader reader = new(await Assert.Single(zip.Entries).OpenAsync(TestContext.Current.CancellationToken));
            Assert.Equal("content", await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal([("a.json", "content")], Read());
    }

    [Theory]
    [InlineData(-8, "its directory is damaged")]
    [InlineData(48, "the end of its directory is damaged")]
    public async Task DamagedZip64IsRefused(int at, string why)
    {
        // The offset of the file in the field of zip64, and that of the directory in its end.
        byte[] zip = MadeZip.Wide("a.json", "content");
        int end = zip.Length - 22 - 20 - 56;
        zip.AsSpan(end + at, 8).Fill(0xFE);
        await File.WriteAllBytesAsync(_path, zip, TestContext.Current.CancellationToken);
        Assert.Equal(why, Assert.Throws<InvalidDataException>(Read).Message);
    }

    [Fact]
    public async Task FilesThatShareTheirBytesAreRefused()
    {
        // Each would unpack to all of it: 60 files of 10,000 bytes in 15,000.
        await File.WriteAllBytesAsync(_path, MadeZip.Overlapping("a.json", new string('a', 10_000), 60), TestContext.Current.CancellationToken);
        Assert.Equal("its files overlap", Assert.Throws<InvalidDataException>(Read).Message);
    }

    private List<(string Name, string Content)> Read()
    {
        using SafeFileHandle file = File.OpenHandle(_path);
        Assert.True(ZipEntries.IsZip(file));
        List<(string, string)> found = [];
        foreach ((string name, Stream content) in new ZipEntries(file, static why => new InvalidDataException(why)).Read())
        {
            using StreamReader reader = new(content, Encoding.UTF8);
            found.Add((name, reader.ReadToEnd()));
        }

        return found;
    }
}
