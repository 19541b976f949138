namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>The static table of HPACK (RFC 7541, appendix A). Indexes begin at 1.</summary>
internal static class HpackStaticTable
{
    private static readonly HeaderField[] Fields =
    [
        new(":authority", ""),
        new(":method", "GET"),
        new(":method", "POST"),
        new(":path", "/"),
        new(":path", "/index.html"),
        new(":scheme", "http"),
        new(":scheme", "https"),
        new(":status", "200"),
        new(":status", "204"),
        new(":status", "206"),
        new(":status", "304"),
        new(":status", "400"),
        new(":status", "404"),
        new(":status", "500"),
        new("accept-charset", ""),
        new("accept-encoding", "gzip, deflate"),
        new("accept-language", ""),
        new("accept-ranges", ""),
        new("accept", ""),
        new("access-control-allow-origin", ""),
        new("age", ""),
        new("allow", ""),
        new("authorization", ""),
        new("cache-control", ""),
        new("content-disposition", ""),
        new("content-encoding", ""),
        new("content-language", ""),
        new("content-length", ""),
        new("content-location", ""),
        new("content-range", ""),
        new("content-type", ""),
        new("cookie", ""),
        new("date", ""),
        new("etag", ""),
        new("expect", ""),
        new("expires", ""),
        new("from", ""),
        new("host", ""),
        new("if-match", ""),
        new("if-modified-since", ""),
        new("if-none-match", ""),
        new("if-range", ""),
        new("if-unmodified-since", ""),
        new("last-modified", ""),
        new("link", ""),
        new("location", ""),
        new("max-forwards", ""),
        new("proxy-authenticate", ""),
        new("proxy-authorization", ""),
        new("range", ""),
        new("referer", ""),
        new("refresh", ""),
        new("retry-after", ""),
        new("server", ""),
        new("set-cookie", ""),
        new("strict-transport-security", ""),
        new("transfer-encoding", ""),
        new("user-agent", ""),
        new("vary", ""),
        new("via", ""),
        new("www-authenticate", ""),
    ];

    private static readonly Dictionary<string, int> FirstByName = BuildFirstByName();

    internal static int Count => Fields.Length;

    /// <summary>The entry at an index from 1 to <see cref="Count"/>.</summary>
    internal static HeaderField Get(int index) => Fields[index - 1];

    /// <summary>Finds a field: the index of a full match, or of the first entry of that name, or 0.</summary>
    internal static int Find(string name, string value, out bool valueMatches)
    {
        valueMatches = false;
        if (!FirstByName.TryGetValue(name, out int first))
        {
            return 0;
        }

        // Entries of one name are neighbours.
        for (int index = first; index <= Fields.Length && Fields[index - 1].Name == name; index++)
        {
            if (Fields[index - 1].Value == value)
            {
                valueMatches = true;
                return index;
            }
        }

        return first;
    }

    private static Dictionary<string, int> BuildFirstByName()
    {
        Dictionary<string, int> map = new(StringComparer.Ordinal);
        for (int i = 0; i < Fields.Length; i++)
        {
            map.TryAdd(Fields[i].Name, i + 1);
        }

        return map;
    }
}
