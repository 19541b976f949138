using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Ignore;

/// <summary>Unicode's properties in patterns, as Go's regular expressions have them.</summary>
public sealed class PropertyVectorTests
{
    private static IEnumerable<string[]> Lines(string kind) => Vector.Lines("properties.txt").Select(static l => l.Split('\t')).Where(l => l[0] == kind);

    [Fact]
    public void EveryScriptHasGosScalars() => Assert.All(Lines("S"), static line =>
    {
        RuneSet set = new();
        Assert.True(RuneProperties.Add(set, [.. line[1].Select(static c => (int)c)], negated: false), line[1]);
        set.Seal(negated: false);
        (int count, uint hash) = (0, 2166136261);
        for (int rune = 0; rune <= 0x10FFFF; rune++)
        {
            if (set.Contains(rune))
            {
                count++;
                hash = unchecked((hash ^ (uint)rune) * 16777619);
            }
        }

        Assert.Equal((line[1], line[2], line[3]), (line[1], count.ToString(CultureInfo.InvariantCulture), hash.ToString("x", CultureInfo.InvariantCulture)));
    });

    [Fact]
    public void NamesAndSetsAreGos()
    {
        string[] samples = [.. Lines("R").Single().Skip(1)];
        StringBuilder wrong = new();
        foreach (string[] line in Lines("P"))
        {
            Pattern pattern = new(Encoding.UTF8.GetBytes(line[1]), isException: false);
            string actual;
            try
            {
                actual = string.Concat(samples.Select(s => pattern.IsMatch(Encoding.UTF8.GetBytes(char.ConvertFromUtf32(Convert.ToInt32(s, 16)))) ? '1' : '0'));
            }
            catch (ContextException)
            {
                actual = "E";
            }

            if (actual != line[2])
            {
                wrong.AppendLine(CultureInfo.InvariantCulture, $"{line[1]}: {actual}, expected {line[2]}");
            }
        }

        Assert.Equal("", wrong.ToString());
    }
}
