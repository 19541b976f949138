using OpenCloud.Build.Definitions.Hcl;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Hcl;

/// <summary>Tests the HCL grammar: bodies, expressions, templates, and the positions of errors.</summary>
public sealed class HclGrammarTests
{
    [Theory]
    [InlineData("1 + 2 * 3", "7")]
    [InlineData("(1 + 2) * 3", "9")]
    [InlineData("10 - 4 - 3", "3")]
    [InlineData("-2 + 5", "3")]
    [InlineData("- -2", "2")]
    [InlineData("!true || true", "true")]
    [InlineData("!!false", "false")]
    [InlineData("1 == 1 && 2 != 3", "true")]
    [InlineData("1 + 1 == 2 ? \"yes\" : \"no\"", "\"yes\"")]
    [InlineData("true ? false ? 1 : 2 : 3", "2")]
    [InlineData("1e2", "100")]
    [InlineData("1.50", "1.5")]
    [InlineData("7 % 4", "3")]
    [InlineData("[1, 2, 3,]", "[1,2,3]")]
    [InlineData("[]", "[]")]
    [InlineData("{}", "{}")]
    [InlineData("{ a = 1, b : 2 }", "{\"a\":1,\"b\":2}")]
    [InlineData("{\n a = 1\n\n b = 2\n}", "{\"a\":1,\"b\":2}")]
    [InlineData("{ \"a b\" = 1, (\"c\") = 2, for = 3, 4 = 5 }", "{\"4\":5,\"a b\":1,\"c\":2,\"for\":3}")]
    [InlineData("[\n1,\n2\n]", "[1,2]")]
    [InlineData("[1, # one\n 2 /* two */]", "[1,2]")]
    [InlineData("[for x in [1, 2, 3] : x * 2 if x != 2]", "[2,6]")]
    [InlineData("[for i, x in [\"a\", \"b\"] : \"${i}${x}\"]", "[\"0a\",\"1b\"]")]
    [InlineData("{for k, v in {a = 1} : k => v}", "{\"a\":1}")]
    [InlineData("{for x in [\"a\", \"a\"] : x => 1...}", "{\"a\":[1,1]}")]
    [InlineData("[{a = 1}, {a = 2}][*].a", "[1,2]")]
    [InlineData("[{a = [1]}, {a = [2]}][*].a[0]", "[1,2]")]
    [InlineData("[{a = 1}, {a = 2}].*.a", "[1,2]")]
    [InlineData("\"x\"[*]", "[\"x\"]")]
    [InlineData("null[*]", "[]")]
    [InlineData("{a = {b = [5, 6]}}.a.b[1]", "6")]
    [InlineData("{a = 1}[\"a\"]", "1")]
    [InlineData("[[1, 2], [3]].0.1", "2")]
    [InlineData("max([1, 4, 2]...)", "4")]
    [InlineData("null", "null")]
    public void Expressions(string expression, string json) => Assert.Equal(json, HclText.Json(expression));

    [Theory]
    [InlineData("\"a\\n\\t\\\"\\\\\\u00e4\\U0001F600\"", "a\n\t\"\\ä😀")]
    [InlineData("\"$${a} %%{b} $ % $a\"", "${a} %{b} $ % $a")]
    [InlineData("\"${1 + 1}-${\"x${\"y\"}\"}\"", "2-xy")]
    [InlineData("\"%{ if true }a%{ else }b%{ endif }\"", "a")]
    [InlineData("\"%{ if false }a%{ endif }.\"", ".")]
    [InlineData("\"%{ for x in [1, 2] }${x};%{ endfor }\"", "1;2;")]
    [InlineData("\"a  ${~ \"b\" ~}  c\"", "abc")]
    [InlineData("<<EOT\n  a\n   b\nEOT", "  a\n   b\n")]
    [InlineData("<<-EOT\n  a\n\n   b\n  EOT", "a\n\n b\n")]
    [InlineData("<<EOT\n\\n ${1}\nEOT", "\\n 1\n")]
    public void Texts(string expression, string text) => Assert.Equal(text, HclText.Evaluate(expression).Text);

    [Fact]
    public void OneInterpolationKeepsTheType() => Assert.Equal(HclKind.Tuple, HclText.Evaluate("\"${[1]}\"").Kind);

    [Theory]
    [InlineData("a = 1\nb = \"x\"\nblock \"l\" other {\n  c = 2\n  inner {\n    d = 3\n  }\n}\none { e = 4 }\nempty {}\n", 2, 3)]
    [InlineData("", 0, 0)]
    [InlineData("# only a comment", 0, 0)]
    [InlineData("a = [\n  1,\n  2,\n]\n\n\nb = {\n}", 2, 0)]
    [InlineData("a = <<E\ntext\nE\nb = 2", 2, 0)]
    public void Bodies(string text, int attributes, int blocks)
    {
        HclBody body = HclParser.Parse("test.hcl", text);
        Assert.Equal(attributes, body.Attributes.Count);
        Assert.Equal(blocks, body.Blocks.Count);
    }

    [Fact]
    public void ABlockHasItsLabelsAndPlace()
    {
        HclBlock block = HclParser.Parse("test.hcl", "\n\n  target \"a\" b {\n    x = 1\n  }").Blocks[0];
        Assert.Equal(["a", "b"], block.Labels);
        Assert.Equal("test.hcl:3,3", block.Position.ToString());
        Assert.Equal("test.hcl:4,5", block.Body.Attributes[0].Position.ToString());
    }

    [Theory]
    [InlineData("a = 1 b = 2", 1)]
    [InlineData("a = 1\na = 2", 2)]
    [InlineData("a\n= 1", 1)]
    [InlineData("x \"y\" {\n  a = 1", 1)]
    [InlineData("x {\n  a = 1, b = 2\n}", 2)]
    [InlineData("a = \"text", 1)]
    [InlineData("a = \"text\n\"", 1)]
    [InlineData("a = \"\\q\"", 1)]
    [InlineData("a = \"${1\"", 1)]
    [InlineData("a = <<E\nx\n", 1)]
    [InlineData("a = [1", 1)]
    [InlineData("a = [1 2]", 1)]
    [InlineData("a = {b 1}", 1)]
    [InlineData("a = {b.c = 1}", 1)]
    [InlineData("a = (1", 1)]
    [InlineData("a = f(1", 1)]
    [InlineData("a = 1 +", 1)]
    [InlineData("a = ? 1 : 2", 1)]
    [InlineData("a = true ? 1", 1)]
    [InlineData("a = \"%{ if true }x\"", 1)]
    [InlineData("a = \"%{ endif }\"", 1)]
    [InlineData("a = \"%{ while x }\"", 1)]
    [InlineData("a = \"%{ for x in [1] }%{ endif }\"", 1)]
    [InlineData("\n\na = @", 3)]
    [InlineData("/* no end", 1)]
    [InlineData("= 1", 1)]
    [InlineData("x \"${y}\" {}", 1)]
    [InlineData("a = [for x in]", 1)]
    [InlineData("a = {for k, v in {} : k}", 1)]
    public void WhatIsNoHclIsRefusedByLine(string text, int line)
    {
        HclException refused = Assert.Throws<HclException>(() => HclParser.Parse("test.hcl", text));
        Assert.Equal(line, refused.Position.Line);
    }

    [Theory]
    [InlineData("nothing", "nothing")]
    [InlineData("nothing()", "nothing")]
    [InlineData("{a = 1}.b", "'b'")]
    [InlineData("[1][1]", "1 elements")]
    [InlineData("[1][\"x\"]", "number")]
    [InlineData("1 / 0", "zero")]
    [InlineData("\"a\" + 1", "'a'")]
    [InlineData("true ? 1 : true", "one type")]
    [InlineData("true ? [] : \"x\"", "one type")]
    [InlineData("\"${[1]} \"", "tuple")]
    [InlineData("\"x${null}\"", "null")]
    [InlineData("[for x in 1 : x]", "number")]
    [InlineData("{for x in [1, 1] : x => x}", "'1'")]
    [InlineData("upper()", "instead of 1")]
    [InlineData("upper(\"a\", \"b\")", "instead of 1")]
    [InlineData("upper(null)", "null")]
    [InlineData("regex(\"(\", \"x\")", "regular expression")]
    [InlineData("sleep(\"x\")", "sleep")]
    public void WhatHasNoValueIsRefusedByName(string expression, string word) => Assert.Contains(word, HclText.Refused(expression).Message, StringComparison.Ordinal);
}
