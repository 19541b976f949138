namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>A header field. The name is lower-case; the value's characters are its bytes (ISO 8859-1), so nothing is lost.</summary>
internal readonly record struct HeaderField(string Name, string Value)
{
    /// <summary>The bytes that a field costs beyond its own, in header lists and in the dynamic table (RFC 7541, 4.1; RFC 9113, 6.5.2).</summary>
    internal const int Overhead = 32;

    /// <summary>The field's size in bytes as HPACK and SETTINGS_MAX_HEADER_LIST_SIZE count it.</summary>
    internal int Size => Name.Length + Value.Length + Overhead;
}
