namespace OpenCloud.Build.Linux;

/// <summary>What a file held when it was read.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="Modified">When it was changed last, in nanoseconds since 1970; 0 for a pipe.</param>
/// <param name="IsRegular">False for a pipe, a socket or a device, which cannot be read a second time.</param>
internal sealed record FileContent(byte[] Bytes, long Modified, bool IsRegular);
