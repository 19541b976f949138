using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Images.References;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.References;

public sealed class ImageReferenceTests
{
    private const string Hex64 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    // The grammar as distribution/reference documents it, put together for the test alone.
    private const string Label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    private const string DomainPattern = $@"(?:{Label}(?:\.{Label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?";
    private const string ComponentPattern = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    private const string PathPattern = $"{ComponentPattern}(?:/{ComponentPattern})*";
    private const string DigestPattern = "sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}";

    private static readonly Regex Grammar = new(
        $@"\A(?:(?<domain>{DomainPattern})/)?(?<path>{PathPattern})(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?<digest>{DigestPattern}))?\z",
        RegexOptions.CultureInvariant);

    [Theory]
    [InlineData("busybox", "docker.io", "library/busybox", null, null)]
    [InlineData("busybox:1.36", "docker.io", "library/busybox", "1.36", null)]
    [InlineData("docker.io/busybox", "docker.io", "library/busybox", null, null)]
    [InlineData("index.docker.io/busybox", "docker.io", "library/busybox", null, null)]
    [InlineData("index.docker.io/team/app", "docker.io", "team/app", null, null)]
    [InlineData("team/app", "docker.io", "team/app", null, null)]
    [InlineData("a/b/c/d", "docker.io", "a/b/c/d", null, null)]
    [InlineData("localhost/app", "localhost", "app", null, null)]
    [InlineData("localhost:5000/app:v1", "localhost:5000", "app", "v1", null)]
    [InlineData("localhost:5000", "docker.io", "library/localhost", "5000", null)]
    [InlineData("example.com", "docker.io", "library/example.com", null, null)]
    [InlineData("example.com/app", "example.com", "app", null, null)]
    [InlineData("Registry/app", "Registry", "app", null, null)]
    [InlineData("REGISTRY.local:443/app", "REGISTRY.local:443", "app", null, null)]
    [InlineData("127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b", null, null)]
    [InlineData("[::1]:5000/app", "[::1]:5000", "app", null, null)]
    [InlineData("[2001:db8::1]/app:x", "[2001:db8::1]", "app", "x", null)]
    [InlineData("a__b/c-----d.e_f", "docker.io", "a__b/c-----d.e_f", null, null)]
    [InlineData("a_b.c/app", "", "a_b.c/app", null, null)]
    [InlineData("app:_x", "docker.io", "library/app", "_x", null)]
    [InlineData("app:A.b-C_9", "docker.io", "library/app", "A.b-C_9", null)]
    [InlineData($"app@sha256:{Hex64}", "docker.io", "library/app", null, $"sha256:{Hex64}")]
    [InlineData($"r.io/app:1@sha512:{Hex64}{Hex64}", "r.io", "app", "1", $"sha512:{Hex64}{Hex64}")]
    [InlineData($"sha256:{Hex64}", "docker.io", "library/sha256", Hex64, null)]
    public void Reads_and_completes(string text, string domain, string path, string? tag, string? digest)
    {
        ImageReference reference = ImageReference.Parse(text);
        Assert.Equal((domain, path, tag, digest), (reference.Domain, reference.Path, reference.Tag, reference.Digest));
    }

    [Theory]
    [InlineData("busybox", "docker.io/library/busybox:latest", "busybox:latest")]
    [InlineData("docker.io/library/busybox:1", "docker.io/library/busybox:1", "busybox:1")]
    [InlineData("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest")]
    [InlineData("docker.io/team/app", "docker.io/team/app:latest", "team/app:latest")]
    [InlineData("r.io/library/app", "r.io/library/app:latest", "r.io/library/app:latest")]
    [InlineData($"app@sha256:{Hex64}", $"docker.io/library/app@sha256:{Hex64}", $"app@sha256:{Hex64}")]
    public void Writes_whole_and_familiar(string text, string whole, string familiar)
    {
        ImageReference reference = ImageReference.Parse(text).WithDefaultTag();
        Assert.Equal((whole, familiar), (reference.ToString(), reference.ToFamiliarString()));
        Assert.Equal(reference, ImageReference.Parse(familiar));
    }

    [Theory]
    [InlineData("", 0, "empty")]
    [InlineData("App", 0, "upper-case")]
    [InlineData("team/App:1", 5, "upper-case letter 'A'")]
    [InlineData("r.io/teAm/app", 7, "upper-case letter 'A'")]
    [InlineData("a..b", 1, "'..'")]
    [InlineData("a/../b", 2, "'..'")]
    [InlineData("a//b", 2, "'//'")]
    [InlineData("/app", 0, "starts with '/'")]
    [InlineData("app/", 4, "ends with '/'")]
    [InlineData("r.io/", 5, "the name is missing")]
    [InlineData("team\\app", 4, "backslash")]
    [InlineData("a___b", 1, "'___'")]
    [InlineData("a_.b", 1, "'_.'")]
    [InlineData("-a", 0, "at the start")]
    [InlineData("a-", 1, "end")]
    [InlineData("a b", 1, "a space")]
    [InlineData(" a", 0, "a space")]
    [InlineData("ä", 0, "'ä'")]
    [InlineData("a\0b", 1, "U+0000")]
    [InlineData("https://r.io/app", 5, "URL")]
    [InlineData("app:", 4, "the tag after")]
    [InlineData("app:-x", 4, "at the start")]
    [InlineData("app:a/b", 3, "invalid port")]
    [InlineData("r.io/app:a/b", 10, "tag")]
    [InlineData("app:1:2", 5, "':'")]
    [InlineData("r.io:x/app", 4, "invalid port")]
    [InlineData("r.io:/app", 4, "invalid port")]
    [InlineData(":5000/app", 0, "registry name before")]
    [InlineData("-r.io/App", 0, "at the start")]
    [InlineData("-r.io:80/app", 0, "starts or ends with '-'")]
    [InlineData("R..io/app", 2, "empty label")]
    [InlineData("R_.io/app", 1, "'_'")]
    [InlineData("[::1%eth0]/app", 0, "IPv6")]
    [InlineData("[]/app", 0, "'['")]
    [InlineData("[]:1/app", 0, "IPv6")]
    [InlineData("app@x", 4, "not a digest")]
    [InlineData("app@md5:00", 4, "md5")]
    [InlineData("app@sha256:00", 13, "64 digits, but this one has 2")]
    [InlineData("app@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", 21, "'A'")]
    [InlineData(Hex64, 0, "64 hexadecimal")]
    public void Says_what_is_wrong_and_where(string text, int position, string reason)
    {
        Assert.False(ImageReference.TryParse(text, out _, out ImageReferenceError? error));
        Assert.Contains(reason, error.Reason, StringComparison.Ordinal);
        Assert.Equal(position, error.Position);
        Assert.Equal(error, Assert.Throws<ImageReferenceException>(() => ImageReference.Parse(text)).Error);
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void Bounds_the_path(int length, bool isValid)
    {
        Assert.Equal(isValid, ImageReference.TryParse("registry.local:5000/" + new string('a', length), out _));
        // What is completed counts, too.
        Assert.Equal(isValid, ImageReference.TryParse(new string('a', length - "library/".Length), out _));
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void Bounds_the_tag(int length, bool isValid) =>
        Assert.Equal(isValid, ImageReference.TryParse("app:" + new string('A', length), out _));

    [Fact]
    public void Generated_references_survive_a_round_trip()
    {
        Gen<string> label = Text("abcXYZ019", 1, 4);
        Gen<string> word = Text("abc019", 1, 4);
        Gen<string> separator = Gen.Elements(".", "_", "__", "-", "--", "---");
        Gen<string> component = word.SelectMany(first => Gen.Zip(separator, word).ListOf().Select(rest => first + string.Concat(rest.Take(3).Select(r => r.Item1 + r.Item2))));
        Gen<string> path = component.NonEmptyListOf().Select(static parts => string.Join('/', parts.Take(4)));
        Gen<string> port = Gen.OneOf(Gen.Constant(""), Gen.Choose(0, 99999).Select(static p => $":{p}"));
        Gen<string> host = Gen.OneOf(Gen.Zip(label, label).Select(static l => $"{l.Item1}.{l.Item2}"), Gen.Elements("localhost", "[::1]", "127.0.0.1"));
        Gen<string> domain = Gen.OneOf(Gen.Constant(""), Gen.Zip(host, port).Select(static d => $"{d.Item1}{d.Item2}/"));
        Gen<string> tag = Gen.OneOf(Gen.Constant(""), Text("abcXYZ019_", 1, 10).Select(static t => $":{t}.-"));
        Gen<string> digest = Gen.Elements("", $"@sha256:{Hex64}", $"@sha512:{Hex64}{Hex64}");
        Gen<string> reference = Gen.Zip(Gen.Zip(domain, path), Gen.Zip(tag, digest)).Select(static r => r.Item1.Item1 + r.Item1.Item2 + r.Item2.Item1 + r.Item2.Item2);

        Prop.ForAll(reference.ToArbitrary(), static text =>
        {
            ImageReference read = ImageReference.Parse(text);
            return read.Equals(ImageReference.Parse(read.ToString()))
                && read.Equals(ImageReference.Parse(read.ToFamiliarString()))
                && Agrees(text);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_text_is_judged_as_the_grammar_judges_it()
    {
        // Mostly characters that mean something, so that both answers are met.
        Gen<string> likely = Text("aB0.-_/:@[]s ", 0, 24);
        Prop.ForAll(Gen.OneOf(likely, ArbMap.Default.GeneratorFor<string>()).ToArbitrary(), static text => Agrees(text ?? ""))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    private static bool Agrees(string text)
    {
        bool isReference = ImageReference.TryParse(text, out ImageReference? reference, out ImageReferenceError? error);
        Match match = Completed(text) is { } completed ? Grammar.Match(completed) : Match.Empty;
        bool isExpected = match.Success && match.Groups["path"].Length <= 255;
        Assert.True(isExpected == isReference, $"'{text}': expected {isExpected}: {error}");
        if (!isReference)
        {
            return error!.Position >= 0 && error.Position <= text.Length && error.Reason.Length > 0;
        }

        return reference!.Domain == match.Groups["domain"].Value
            && reference.Path == match.Groups["path"].Value
            && (reference.Tag ?? "") == match.Groups["tag"].Value
            && (reference.Digest ?? "") == match.Groups["digest"].Value;
    }

    /// <summary>The rules of completion of normalize.go; null for what they refuse themselves.</summary>
    private static string? Completed(string text)
    {
        if (Regex.IsMatch(text, @"\A[a-f0-9]{64}\z"))
        {
            return null;
        }

        string[] parts = text.Split('/', 2);
        if (parts.Length == 1)
        {
            return "docker.io/library/" + text;
        }

        string first = parts[0] == "index.docker.io" ? "docker.io" : parts[0];
        if (first == "localhost" || first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first.Any(char.IsAsciiLetterUpper))
        {
            return first == "docker.io" && !parts[1].Contains('/', StringComparison.Ordinal) ? $"docker.io/library/{parts[1]}" : $"{first}/{parts[1]}";
        }

        return "docker.io/" + text;
    }

    private static Gen<string> Text(string alphabet, int min, int max) =>
        Gen.Choose(min, max).SelectMany(length => Gen.Elements(alphabet.ToCharArray()).ArrayOf(length)).Select(static c => new string(c));
}
