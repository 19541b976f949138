using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Ignore;

/// <summary>A context's ignore file may be written by anybody: one line of it costs little, whatever it says.</summary>
public class PatternBudgetTests
{
    private const int Line = 63 * 1024;

    private static readonly byte[] LongPath = Encoding.UTF8.GetBytes(string.Join('/', Enumerable.Repeat("abababababé", 300)));

    public static TheoryData<string> Parts => ["[a]{1000}", "a{1000}", "a{0,1000}", "a{1000}|", "*a", "**/", "**/*", "?*", "[a*]", "[^b]*", "|", "a|", "[b-z]?", "\\d*", "x{1000,}", "{0,1000}", "é*", "\\pL\\PN"];

    [Theory]
    [MemberData(nameof(Parts))]
    public void One_line_is_compiled_and_matched_within_bounds(string part)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(part, Line / Encoding.UTF8.GetByteCount(part))) + "z");
        Budget.Hold($"{part} compiled and matched", TimeSpan.FromSeconds(1), 96L << 20, () =>
        {
            try
            {
                PatternMatcher matcher = PatternMatcher.Compile([text]);
                matcher.Matches(LongPath, [], [], out _);
                matcher.Matches("abc"u8, [], [], out _);
            }
            catch (ContextException e)
            {
                Assert.Equal(ContextErrorKind.BadPattern, e.Kind);
                Assert.True(e.Message.Length < 40_000, "the message is as long as the line");
            }
        });
    }

    [Theory]
    [InlineData("\\pL")]
    [InlineData("a-zé-ü")]
    [InlineData("[:^alpha:]")]
    [InlineData("\\W")]
    public void One_class_of_many_parts_is_as_fast_as_one_of_few(string part)
    {
        byte[] text = Encoding.UTF8.GetBytes("*[" + string.Concat(Enumerable.Repeat(part, Line / Encoding.UTF8.GetByteCount(part))) + "]*q");
        Budget.Hold(part, TimeSpan.FromSeconds(0.5), 64L << 20, () =>
        {
            PatternMatcher matcher = PatternMatcher.Compile([text]);
            for (int i = 0; i < 20; i++)
            {
                matcher.Matches(LongPath, [], [], out _);
            }
        });
    }

    [Fact]
    public void Lines_that_are_bounded_each_are_bounded_together()
    {
        byte[] text = Encoding.UTF8.GetBytes("x*" + string.Concat(Enumerable.Repeat("[ab]{0,1000}", 100)) + "z");
        Budget.Hold("many lines", TimeSpan.FromSeconds(2), 512L << 20, () =>
            Assert.Throws<ContextException>(() => PatternMatcher.Compile([.. Enumerable.Repeat(text, 1000)])));
    }

    [Theory]
    [InlineData("[a]{1000}", "a", 1000, true)]
    [InlineData("[a]{1000}", "a", 999, false)]
    [InlineData("**/**/*", "a/", 40, true)]
    [InlineData("**/**/b", "a/", 40, false)]
    [InlineData("?****?", "a", 2, true)]
    [InlineData("?****?", "a", 1, false)]
    [InlineData("a{0,1000}b", "a", 500, false)]
    [InlineData("[a-c]{60}[a-c]{60}d|a*", "a", 130, true)]
    public void What_is_left_out_does_not_count(string pattern, string part, int times, bool matches) =>
        Assert.Equal(matches, new Pattern(Encoding.UTF8.GetBytes(pattern), false).IsMatch(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(part, times)).TrimEnd('/'))));

    [Fact]
    public void Half_of_a_surrogate_pair_matches_nothing()
    {
        Assert.False(new Pattern("\\x{D800}*"u8.ToArray(), false).IsMatch("a"u8));
        Assert.False(new Pattern("a\\x{DFFF}"u8.ToArray(), false).IsMatch("a\uFFFD"u8));
    }

    [Fact]
    public void An_ignore_file_is_read_within_bounds()
    {
        byte[] file = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("*\n", 256 * 1024)));
        Budget.Hold("ignore file", TimeSpan.FromSeconds(4), 512L << 20, () => IgnoreFile.Parse(file));
    }
}
