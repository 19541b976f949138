using System.Text;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Text;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Text;

public class TerminalTextTests
{
    [Theory]
    [InlineData("plain\ttext\nof two lines", "plain\ttext\nof two lines")]
    [InlineData("\u001b[31mred\u001b[0m", "red")]
    [InlineData("a\u001b[38;5;196;1mb\u001b[2Jc\u001b[?25ld", "abcd")]
    [InlineData("a\u001b]0;a title\ab", "ab")]
    [InlineData("a\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\b", "alinkb")]
    [InlineData("a\u001bPq#0;2;0\u001b\\b", "ab")]
    [InlineData("a\u001b_apc\u001b\\b\u001b^pm\u001b\\c\u001bXsos\u001b\\d", "abcd")]
    [InlineData("a\u009b31mb\u009d0;t\u009cc\u0090q\u009cd", "abcd")]
    [InlineData("a\u001b(0b\u001b7c\u001bcd\u001b", "abcd")]
    [InlineData("a\u001b]0;no end\nthe rest", "a\nthe rest")]
    [InlineData("a\u001b[31\nb", "a\nb")]
    [InlineData("a\ab\bc\0d\u007fe\u0085f\u009fg", "abcdef")]
    [InlineData("a\u202eb\u2066c\u200fd\u061ce", "abcde")]
    [InlineData("10%\r50%\r100%", "100%")]
    [InlineData("10%\r100%\r\nnext\r\n", "100%\nnext\n")]
    [InlineData("one\ntwo\rthree", "one\nthree")]
    [InlineData("over\r\u001b[Kwritten", "written")]
    [InlineData("\r\r", "")]
    [InlineData("", "")]
    [InlineData("日本語 é 🎉", "日本語 é 🎉")]
    public void What_would_steer_a_terminal_is_taken_out(string text, string expected)
    {
        Assert.Equal(expected, TerminalText.Plain(text));
        Assert.Equal(expected, TerminalText.Plain(expected));
    }

    [Fact]
    public void A_line_is_one_line() => Assert.Equal("a b", TerminalText.Line("a\nb\r\n"));

    [Fact]
    public void No_cut_of_a_sequence_leaves_an_escape()
    {
        const string Text = "x\u001b[31;1my\u001b]0;title\u0007z\u001bPdcs\u001b\\\u009b5n\u001b(B\u202e\r\nq\rw\b";
        for (int begin = 0; begin < Text.Length; begin++)
        {
            for (int end = begin; end <= Text.Length; end++)
            {
                string plain = TerminalText.Plain(Text[begin..end]);
                Assert.DoesNotContain(plain, static c => char.IsControl(c) && c is not ('\n' or '\t'));
                Assert.DoesNotContain('\u202e', plain);
            }
        }
    }

    [Fact]
    public void An_exception_behind_another_is_plain_too()
    {
        ImageBuildException failure = new(BuildFailureKind.Other, "a\u001b[2Jb", new IOException("c\u001b]0;x\ad")) { Address = "e", Ref = "r" };
        Assert.Equal("ab", failure.Message);
        Assert.Equal("cd", failure.InnerException!.Message);
        IOException plain = new("plain");
        Assert.Same(plain, TerminalText.Plain(plain));
    }

    [Fact]
    public void Long_texts_are_read_in_one_pass()
    {
        foreach (string part in new[] { "\u001b[", "\u001b]", "\r", "a\r", "\n\r", "\u009d", "\u001b" })
        {
            string text = string.Concat(Enumerable.Repeat(part, 1024 * 1024 / part.Length));
            Budget.Hold(part, TimeSpan.FromSeconds(0.5), 16L << 20, () => TerminalText.Plain(text));
        }
    }

    [Theory]
    [InlineData("aaaa\U0001F600", 12)]
    [InlineData("aaa\U0001F600a", 12)]
    [InlineData("\U0001F600", 3)]
    public void ATextIsNotCutWithinACharacter(string part, int longest)
    {
        for (int shift = 0; shift < 4; shift++)
        {
            string text = string.Concat(new string('b', shift), string.Concat(Enumerable.Repeat(part, 300)));
            Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(TerminalText.Bounded(text, longest))));
            Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(LenientJson.Line(text))));
        }
    }
}
