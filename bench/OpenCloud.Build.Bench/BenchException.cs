namespace OpenCloud.Build.Bench;

/// <summary>The bench cannot go on; the message is for the person at the terminal.</summary>
internal sealed class BenchException(string message) : Exception(message);
