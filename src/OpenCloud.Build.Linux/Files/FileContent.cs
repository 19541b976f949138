namespace OpenCloud.Build.Linux;

/// <summary>The time of the last change is in nanoseconds since 1970; 0 for a pipe. Only a regular file can be read again.</summary>
internal sealed record FileContent(byte[] Bytes, long Modified, bool IsRegular);
