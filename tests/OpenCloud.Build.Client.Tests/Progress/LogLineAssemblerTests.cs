using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Progress;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Progress;

public sealed class LogLineAssemblerTests
{
    [Fact]
    public void LinesAreWholeHoweverTheBytesAreCut()
    {
        Prop.ForAll<string[], int>((lines, seed) =>
        {
            string[] clean = [.. lines.Select(static l => new string([.. (l ?? string.Empty).Where(static c => c is not ('\r' or '\n') && !char.IsSurrogate(c))]))];
            byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(clean.Select(static l => l + "\n")));
            Random random = new(seed);
            LogLineAssembler assembler = new(new StatusBudget());
            List<string> got = [];
            for (int at = 0; at < bytes.Length;)
            {
                int length = Math.Min(bytes.Length - at, random.Next(1, 9));
                got.AddRange(assembler.Append(bytes.AsSpan(at, length)));
                at += length;
            }

            got.AddRange(assembler.Flush());
            return got.SequenceEqual(clean);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void ALongLineIsNotShortened()
    {
        LogLineAssembler assembler = new(new StatusBudget());
        string line = new('x', 3_000_000);
        Assert.Equal([line], assembler.Append(Encoding.UTF8.GetBytes(line + "\n")));
    }

    [Fact]
    public void TheRestComesWithTheFlush()
    {
        LogLineAssembler assembler = new(new StatusBudget());
        Assert.Equal(["a"], assembler.Append("a\r\nb"u8));
        Assert.Equal(["b"], assembler.Flush());
        Assert.Empty(assembler.Flush());
    }

    [Fact]
    public void BytesThatAreNoUtf8BecomeReplacementCharacters()
    {
        LogLineAssembler assembler = new(new StatusBudget());
        Assert.Equal(["a\uFFFDb"], assembler.Append([(byte)'a', 0xff, (byte)'b', (byte)'\n']));
    }

    [Fact]
    public void ACarriageReturnInsideALineIsTheSteps()
    {
        LogLineAssembler assembler = new(new StatusBudget());
        Assert.Equal(["10%\r20%"], assembler.Append("10%\r20%\r\n"u8));
    }
}
