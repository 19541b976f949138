namespace OpenCloud.Build.Bench.Measuring;

/// <summary>One measured build.</summary>
/// <param name="Wall">From the moment the client may start until it has ended (or the cmdlet has returned).</param>
/// <param name="Cpu">User and system time of the client, its own children included.</param>
/// <param name="PeakBytes">Largest resident set of the client. Of several processes, the largest one's.</param>
/// <param name="AddedBytes">
/// Largest resident set above what the client holds when it does not build; null for clients that are born and die with a build.
/// </param>
internal sealed record Sample(TimeSpan Wall, TimeSpan Cpu, long PeakBytes, long? AddedBytes = null);
