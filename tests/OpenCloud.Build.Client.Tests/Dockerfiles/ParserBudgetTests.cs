using System.IO.Compression;
using System.Text;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Dockerfiles;

/// <summary>What an engine, a registry or a Dockerfile says costs little, whatever it says.</summary>
[Collection(nameof(MeasuredAlone))]
public class ParserBudgetTests
{
    private const int Large = 1024 * 1024;

    public static TheoryData<string, string, string> Messages => new()
    {
        { "keys", "failed to compute cache key ", "" },
        { "checksums", "failed to calculate checksum of ref: ", "" },
        { "walks", "failed to calculate checksum: failed to walk x", "" },
        { "mounts", "failed to calculate checksum: failed to walk buildkit-mount1/a", ": lstat" },
        { "quotes", "failed to compute cache key\"a\"", "" },
        { "codes", "did not complete successfully: exit code: ", "" },
        { "failures", "failed to ", "" },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void An_engines_words_are_read_in_one_pass(string what, string part, string end)
    {
        string text = string.Concat(Enumerable.Repeat(part, Large / part.Length)) + end;
        Budget.Hold(what, TimeSpan.FromSeconds(0.5), 32L << 20, () => Assert.Null(MissingFile.In(text)));
    }

    [Theory]
    [InlineData("failed to solve: failed to compute cache key: failed to calculate checksum of ref x::y: \"/missing\": not found", "/missing")]
    [InlineData("failed to compute cache key: \"/missing\" not found: not found", "/missing")]
    [InlineData("failed to compute cache key: \"a\" b; failed to calculate checksum of \"/c\": not found", "/c")]
    [InlineData("failed to calculate checksum of ref x::y: failed to walk /var/lib/tmp/buildkit-mount123/conf: lstat /var/lib: no such file or directory", "/conf")]
    [InlineData("failed to walk /var/buildkit-mount123/conf: lstat: no such file or directory", null)]
    [InlineData("failed to compute cache key: \"\": not found", null)]
    [InlineData("", null)]
    public void The_missing_file_is_found(string text, string? expected) => Assert.Equal(expected, MissingFile.In(text));

    public static TheoryData<string, string> Dockerfiles => new()
    {
        { "blanks in a directive", "# syntax=a" + new string(' ', Large) + "b\nFROM scratch\n" },
        { "names of a directive", "# " + new string('a', Large) + "\nFROM scratch\n" },
        { "nested defaults", "ARG A=" + string.Concat(Enumerable.Repeat("${A:-", Large / 5)) + "\nFROM a${A}\n" },
        { "nested quotes", "FROM a\nRUN <<" + string.Concat(Enumerable.Repeat("\"${A:-", Large / 6)) + "\n" },
        { "laughs", string.Concat(Enumerable.Range(1, 30).Select(static i => $"ARG A{i}={string.Concat(Enumerable.Repeat($"$A{i - 1}", 10))}\n")).Replace("$A0", "x", StringComparison.Ordinal) + "FROM a$A30\n" },
        { "trims", "ARG A=" + new string('a', 200_000) + "\nARG B=" + string.Concat(Enumerable.Repeat("${A##*b}", 1000)) + "\nFROM a:$B\n" },
        { "a long trim", "ARG A=" + new string('a', 200_000) + "\nFROM a:${A%%*b*c*d}\n" },
        { "replacements", "ARG A=" + new string('a', 200_000) + "\nFROM a:${A//a*b/c}\n" },
        { "stages", string.Concat(Enumerable.Range(0, 60_000).Select(static i => $"FROM i{i}\n")) },
        { "here-documents", "FROM a\nRUN " + string.Concat(Enumerable.Repeat("<<a ", Large / 4)) + "\n" },
        { "here-document marks", "FROM a\nRUN " + new string('<', Large) + "\n" },
        { "continuations", "FROM a\nRUN " + string.Concat(Enumerable.Repeat("\\\n", Large / 2)) + "\n" },
        { "escapes", "FROM a\nRUN " + new string('\\', Large) + "\n" },
        { "flags", "FROM a\nRUN " + string.Concat(Enumerable.Repeat("--a ", Large / 4)) + "\n" },
        { "mounts", "FROM a\nRUN --mount=" + string.Concat(Enumerable.Repeat("from=a,", Large / 7)) + "\n" },
        { "JSON", "FROM a\nRUN " + new string('[', Large) + "<<\n" },
        { "empty lines", new string('\n', Large) + "FROM a\n" },
    };

    [Theory]
    [MemberData(nameof(Dockerfiles))]
    public void A_Dockerfile_is_read_in_one_pass(string what, string text) =>
        Budget.Hold(what, TimeSpan.FromSeconds(1.5), 400L << 20, () =>
        {
            try
            {
                _ = DockerfileText.Parse(text).FindImages();
            }
            catch (DockerfileException)
            {
            }
        });

    [Theory]
    [InlineData("${V#*/}", "b/c/b.tar.gz")]
    [InlineData("${V##*/}", "b.tar.gz")]
    [InlineData("${V%.*}", "a/b/c/b.tar")]
    [InlineData("${V%%.*}", "a/b/c/b")]
    [InlineData("${V#a?b}", "/c/b.tar.gz")]
    [InlineData("${V%g?}", "a/b/c/b.tar.")]
    [InlineData("${V#nothing}", "a/b/c/b.tar.gz")]
    [InlineData("${V##*}", "")]
    [InlineData("${V#*}", "a/b/c/b.tar.gz")]
    [InlineData("${V//b/x}", "a/x/c/x.tar.gz")]
    public void Patterns_of_variables_mean_what_a_shells_do(string word, string expected)
    {
        Assert.True(new DockerfileLexer('\\') { Lookup = static _ => "a/b/c/b.tar.gz" }.TryExpand(word, out string? expanded));
        Assert.Equal(expected, expanded);
    }

    [Fact]
    public async Task Names_in_an_archive_are_bounded()
    {
        using TemporaryDirectory directory = new();
        string path = Path.Combine(directory.Path, "bomb.tar.gz");
        WriteBomb(path, 400, new string('n', 900_000));
        Assert.True(new FileInfo(path).Length < 4 * Large);
        long before = GC.GetTotalAllocatedBytes();
        await Assert.ThrowsAsync<OciFormatException>(() => ImageArchive.OpenAsync(path, TestContext.Current.CancellationToken));
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 800L << 20);

        // The longest that are kept, until it is too much.
        path = Path.Combine(directory.Path, "many.tar.gz");
        WriteBomb(path, 12_000, new string('n', 4000));
        OciFormatException refused = await Assert.ThrowsAsync<OciFormatException>(() => ImageArchive.OpenAsync(path, TestContext.Current.CancellationToken));
        Assert.Contains("MiB of entry names", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_authority_signs_what_it_is_given_within_bounds()
    {
        byte[] seed = new byte[32];
        _ = Ed25519.Sign(seed, seed);
        Budget.Hold("signatures", TimeSpan.FromSeconds(2), 256L << 20, () =>
        {
            for (int i = 0; i < 50; i++)
            {
                _ = Ed25519.Sign(seed, new byte[64 * 1024]);
            }
        });
    }

    private static void WriteBomb(string path, int entries, string name)
    {
        using GZipStream gzip = new(File.Create(path), CompressionLevel.Fastest);
        for (int i = 0; i < entries; i++)
        {
            byte[] longName = Encoding.UTF8.GetBytes(i + name);
            gzip.Write(Header("././@LongLink", 'L', longName.Length));
            gzip.Write(longName);
            gzip.Write(new byte[(512 - (longName.Length % 512)) % 512]);
            gzip.Write(Header("x", '0', 0));
        }

        gzip.Write(new byte[1024]);
    }

    private static byte[] Header(string name, char type, long size)
    {
        byte[] header = new byte[512];
        Encoding.ASCII.GetBytes(name, header);
        Encoding.ASCII.GetBytes("0000644\00000000\00000000\0", header.AsSpan(100));
        Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0') + "\000000000000\0        ", header.AsSpan(124));
        header[156] = (byte)type;
        Encoding.ASCII.GetBytes("ustar\000", header.AsSpan(257));
        int sum = header.Sum(static b => b);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", header.AsSpan(148));
        return header;
    }
}
