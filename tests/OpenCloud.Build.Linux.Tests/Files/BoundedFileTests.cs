using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Files;

public sealed class BoundedFileTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void ReadsARegularFile()
    {
        using Scratch scratch = new();
        Assert.Equal("text", BoundedFile.TryReadText(scratch.Text("a"), cancellationToken: Stop));
        Assert.Equal("text", BoundedFile.TryReadText(scratch.Text("b", "\uFEFFtext"), cancellationToken: Stop));
        Assert.Null(BoundedFile.TryReadText(scratch["absent"], cancellationToken: Stop));
        Assert.Null(BoundedFile.TryReadText(scratch["a"] + "/below", cancellationToken: Stop));
    }

    [Fact]
    public void ReadsFilesThatSayTheyAreEmpty()
        => Assert.Contains("Uid:", BoundedFile.TryReadText("/proc/self/status", cancellationToken: Stop), StringComparison.Ordinal);

    [Fact]
    public void IsNotHeldByAPipe()
    {
        using Scratch scratch = new();
        long start = Stopwatch.GetTimestamp();
        IOException error = Assert.Throws<IOException>(() => BoundedFile.TryRead(scratch.Fifo("pipe"), cancellationToken: Stop));
        Assert.Contains("not a regular file", error.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void ReadsNoDeviceAndNoLink()
    {
        using Scratch scratch = new();
        Assert.Throws<IOException>(() => BoundedFile.TryRead("/dev/zero", cancellationToken: Stop));
        Assert.Throws<IOException>(() => BoundedFile.TryRead(scratch.Link("zero", "/dev/zero"), followLink: true, cancellationToken: Stop));
        Assert.Throws<IOException>(() => BoundedFile.TryRead(scratch.Link("link", scratch.Text("target")), cancellationToken: Stop));
        Assert.NotNull(BoundedFile.TryRead(scratch["link"], followLink: true, cancellationToken: Stop));
        Assert.Throws<IOException>(() => BoundedFile.TryRead(scratch.SubFolder("folder"), cancellationToken: Stop));
    }

    [Fact]
    public void TakesNoMoreThanTheLimit()
    {
        using Scratch scratch = new();
        string path = scratch.Text("a", new string('x', 1000));
        Assert.Equal(1000, BoundedFile.TryRead(path, 1000, cancellationToken: Stop)!.Length);
        Assert.Throws<IOException>(() => BoundedFile.TryRead(path, 999, cancellationToken: Stop));
    }
}
