using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Text;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Ignore;

public class PatternVectorTests(ITestOutputHelper output)
{
    [Fact]
    public void Patterns_agree_with_mobys_matcher()
    {
        List<byte[]> paths = [];
        int compared = 0;
        StringBuilder wrong = new();
        foreach (string line in Vector.Lines("patterns.txt"))
        {
            if (paths.Count == 0)
            {
                paths = Vector.Paths(line);
                continue;
            }

            string[] columns = line.Split('\t');
            List<byte[]> patterns = Vector.Paths(columns[0]);
            string list = string.Join(" , ", patterns.Select(p => Utf8.Display(p)));
            PatternMatcher? matcher = null;
            try
            {
                matcher = PatternMatcher.Compile(patterns);
            }
            catch (ContextException)
            {
            }

            compared++;
            if (matcher is null != (columns[1] == "E"))
            {
                wrong.AppendLine($"{list}: refused {matcher is null}");
            }

            if (matcher is null || columns[1] == "E")
            {
                continue;
            }

            byte[] matched = Convert.FromHexString(columns[1]);
            byte[] errors = columns.Length > 2 ? Convert.FromHexString(columns[2]) : new byte[matched.Length];
            for (int i = 0; i < paths.Count; i++)
            {
                char expected = Bit(errors, i) ? 'E' : Bit(matched, i) ? '1' : '0';
                char actual = Walk(matcher, paths[i]);
                compared++;
                if (actual != expected)
                {
                    wrong.AppendLine($"{list} on {Utf8.Display(paths[i])}: {actual}, expected {expected}");
                }
            }
        }

        output.WriteLine($"{compared} comparisons");
        Assert.True(wrong.Length == 0, wrong.ToString(0, Math.Min(wrong.Length, 4000)));
        Assert.True(compared > 100_000);
    }

    private static bool Bit(byte[] bits, int index) => (bits[index / 8] >> (index % 8) & 1) != 0;

    private static char Walk(PatternMatcher matcher, byte[] path)
    {
        try
        {
            bool[] parent = [];
            for (int i = 0; i < path.Length; i++)
            {
                if (path[i] == (byte)'/')
                {
                    bool[] state = new bool[matcher.Count];
                    matcher.Matches(path.AsSpan(0, i), parent, state, out _);
                    parent = state;
                }
            }

            return matcher.Matches(path, parent, [], out _) ? '1' : '0';
        }
        catch (ContextException)
        {
            return 'E';
        }
    }
}
