namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>What is read of vulnerability data, and kept of it.</summary>
/// <param name="Bytes">The most bytes, unpacked.</param>
/// <param name="Records">The most records.</param>
/// <param name="Findings">The most vulnerabilities that are found.</param>
/// <param name="Characters">The most characters that the results have together.</param>
internal sealed record OsvLimits(long Bytes, long Records, int Findings, long Characters)
{
    public static OsvLimits Default { get; } = new(64L << 30, 10_000_000, 1_000_000, 128L << 20);
}
