using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Ignore;

public class IgnoreFileTests
{
    [Fact]
    public void Lines_become_clean_patterns()
    {
        IgnoreFile file = IgnoreFile.Parse("\uFEFF# comment\r\n\r\n  /a/b/ \r\n! ./c/../d\r\n #not a comment\n/\nlast/**");
        Assert.Equal(
            [(3, "a/b", false), (4, "!d", true), (5, "#not a comment", false), (6, "/", false), (7, "last/**", false)],
            file.Rules.Select(static rule => (rule.Line, rule.Pattern, rule.IsException)));
    }

    [Theory]
    [InlineData("a\n!\n", "Line 2")]
    [InlineData("[a", "Line 1")]
    public void A_malformed_rule_is_named(string text, string expected)
    {
        ContextException error = Assert.Throws<ContextException>(() => IgnoreFile.Parse(text));
        Assert.Equal(ContextErrorKind.BadPattern, error.Kind);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("src/main.c", false, null)]
    [InlineData("debug.log", true, 1)]
    [InlineData("/deep/debug.log", false, null)]
    [InlineData("keep.log", false, 2)]
    [InlineData("node_modules", true, 3)]
    [InlineData("./node_modules/x/keep.log", true, 3)]
    [InlineData("docs/a.md", true, 4)]
    [InlineData("docs/README.md", false, 5)]
    [InlineData("docs", true, 4)]
    [InlineData(".", false, null)]
    public void A_path_is_explained_by_the_rule_with_the_last_word(string path, bool excluded, int? line)
    {
        IgnoreFile file = IgnoreFile.Parse("*.log\n!keep.log\nnode_modules\ndocs\n!docs/README.md\n");
        IgnoreExplanation explanation = file.Explain(path);
        Assert.Equal((excluded, line), (explanation.IsExcluded, explanation.Rule?.Line));
    }
}
