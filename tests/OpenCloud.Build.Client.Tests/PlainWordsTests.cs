using System.Text.RegularExpressions;
using Xunit;

namespace OpenCloud.Build.Client.Tests;

/// <summary>The texts that users read are plain technical English: docs/style.md has the rules, and this holds the worst turns off.</summary>
public sealed partial class PlainWordsTests
{
    /// <summary>Pages that name the turns themselves.</summary>
    private static readonly string[] MayName = ["docs/style.md"];

    [Theory]
    [InlineData("OpenCloud.Build")]
    [InlineData("OpenCloud.Build.Client")]
    [InlineData("OpenCloud.Build.Definitions")]
    [InlineData("OpenCloud.Build.Host")]
    [InlineData("OpenCloud.Build.Linux")]
    [InlineData("OpenCloud.Build.Loader")]
    public void NoTextOfTheCode_HasABannedTurn(string project)
    {
        string folder = Path.Combine(RepositoryRoot.Path, "src", project);
        int texts = 0;
        List<string> found = [];
        foreach (string file in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        {
            if (file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal))
            {
                continue;
            }

            foreach (string line in File.ReadLines(file).Where(static l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal)))
            {
                foreach (Match text in Text().Matches(line).Where(static m => m.Value.Contains(' ', StringComparison.Ordinal)))
                {
                    texts++;
                    if (Banned().Match(text.Value) is { Success: true } turn)
                    {
                        found.Add($"{Path.GetRelativePath(folder, file)}: '{turn.Value}' in {text.Value}");
                    }
                }
            }
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
        Assert.NotEqual(0, texts);
    }

    [Theory]
    [InlineData("", "*.md")]
    [InlineData("docs", "*.md")]
    [InlineData("bench", "*.md")]
    [InlineData("samples", "*.md")]
    [InlineData("en-US", "about_*.txt")]
    public void NoPage_HasABannedTurn(string folder, string pattern)
    {
        SearchOption depth = folder.Length == 0 ? SearchOption.TopDirectoryOnly : SearchOption.AllDirectories;
        string[] files = Directory.GetFiles(Path.Combine(RepositoryRoot.Path, folder), pattern, depth);
        List<string> found = [];
        foreach (string file in files)
        {
            string name = Path.GetRelativePath(RepositoryRoot.Path, file);
            found.AddRange(MayName.Contains(name) ? [] : File.ReadLines(file).SelectMany(l => Banned().Matches(Code().Replace(l, "``")).Select(m => $"{name}: '{m.Value}' in {l}")));
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
        Assert.NotEmpty(files);
    }

    [Theory]
    [InlineData("'x' is no platform")]
    [InlineData("Mend the Dockerfile")]
    [InlineData("Whoever reaches it")]
    [InlineData("such files can be had in a tar output only")]
    [InlineData("the socket lets everybody in")]
    [InlineData("The bytes that shall be free")]
    [InlineData("is refused in words or passed over")]
    public void WhatIsBanned_IsFound(string text) => Assert.Matches(Banned(), text);

    [Theory]
    [InlineData("{unit} is no longer a member")]
    [InlineData("recommended")]
    [InlineData("The directory is not accessible")]
    public void WhatIsPlain_IsNot(string text) => Assert.DoesNotMatch(Banned(), text);

    [GeneratedRegex(
        @"\b(?:(?:can|cannot|could|to) be had|(?:is|are) told|stands? so|whoever|whatsoever|mend(?:s|ed)?|shall|lets? in\b|lets? (?:every|some|no)body|everybody|somebody|nobody"
        + @"|(?<!there )(?:is|are|be) no (?!longer)\w+|(?:is|are) none|anew|in words|without a word|passe[sd] over|(?:goes|go) on|stands? (?:for|against|beside)|beneath|hitherto|thereof|wherein|ought|as good as|(?:is|are|be|was|were) taken back|takes? back|cannot stand|parts nothing)\b",
        RegexOptions.IgnoreCase)]
    private static partial Regex Banned();

    // Names of users, programs and values are as they are.
    [GeneratedRegex("`[^`]*`")]
    private static partial Regex Code();

    // A literal on one line; holes stay in it, as their code has none of the turns.
    [GeneratedRegex(@"""(?:[^""\\]|\\.)*""")]
    private static partial Regex Text();
}
