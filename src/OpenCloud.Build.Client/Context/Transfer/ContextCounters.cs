namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>What has been sent of a build's contexts so far. Reading is safe at any time, also during transfers.</summary>
internal sealed class ContextCounters
{
    private readonly ContextCounters? _sum;
    private long _entriesListed;
    private long _filesSent;
    private long _bytesSent;
    private long _transfers;

    internal ContextCounters(ContextCounters? sum = null) => _sum = sum;

    /// <summary>Files, directories and other entries listed to the daemon.</summary>
    public long EntriesListed => Interlocked.Read(ref _entriesListed);

    /// <summary>Files whose content the daemon requested and received.</summary>
    public long FilesSent => Interlocked.Read(ref _filesSent);

    /// <summary>Bytes of file content that were sent; packets and listings are not counted.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>How often the daemon has requested a directory.</summary>
    public long Transfers => Interlocked.Read(ref _transfers);

    internal void AddListed(int count)
    {
        Interlocked.Add(ref _entriesListed, count);
        _sum?.AddListed(count);
    }

    internal void AddSent(int files, long bytes)
    {
        Interlocked.Add(ref _filesSent, files);
        Interlocked.Add(ref _bytesSent, bytes);
        _sum?.AddSent(files, bytes);
    }

    internal void AddTransfer()
    {
        Interlocked.Increment(ref _transfers);
        _sum?.AddTransfer();
    }
}
