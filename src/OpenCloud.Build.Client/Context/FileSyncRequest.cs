using System.Text;

namespace OpenCloud.Build.Client.Context;

/// <summary>What the daemon requests of a declared directory, from the metadata of a FileSync call.</summary>
/// <remarks>
/// Source: buildkit's session/filesync/filesync.go. A key with a companion <c>KEY-encoded</c> that is true has query-escaped
/// values, because header values are ASCII.
/// </remarks>
internal sealed class FileSyncRequest
{
    private FileSyncRequest(byte[] directory, List<byte[]> include, List<byte[]> exclude, List<byte[]> follow)
    {
        DirectoryName = Encoding.UTF8.GetString(directory);
        IncludePatterns = include;
        ExcludePatterns = exclude;
        FollowPaths = follow;
    }

    /// <summary>The declared name; "" when the daemon gave none.</summary>
    public string DirectoryName { get; }

    public IReadOnlyList<byte[]> IncludePatterns { get; }

    public IReadOnlyList<byte[]> ExcludePatterns { get; }

    public IReadOnlyList<byte[]> FollowPaths { get; }

    /// <summary>Reads the metadata, whose names are in lower case and whose values are bytes as characters (ISO 8859-1).</summary>
    public static FileSyncRequest Parse(IEnumerable<KeyValuePair<string, string>> metadata)
    {
        Dictionary<string, List<string>> values = new(StringComparer.Ordinal);
        foreach ((string key, string value) in metadata)
        {
            if (!values.TryGetValue(key, out List<string>? list))
            {
                values.Add(key, list = []);
            }

            list.Add(value);
        }

        List<byte[]> directory = Decode(values, "dir-name");
        return new FileSyncRequest(
            directory.Count > 0 ? directory[0] : [],
            Decode(values, "include-patterns"),
            Decode(values, "exclude-patterns"),
            Decode(values, "followpaths"));
    }

    private static List<byte[]> Decode(Dictionary<string, List<string>> metadata, string key)
    {
        if (!metadata.TryGetValue(key, out List<string>? values))
        {
            return [];
        }

        bool encoded = metadata.TryGetValue(key + "-encoded", out List<string>? flag)
            && flag[0] is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return values.ConvertAll(value => encoded ? Unescape(value) : Encoding.Latin1.GetBytes(value));
    }

    /// <summary>Decodes query escaping; a malformed value becomes empty, as with the Go client.</summary>
    private static byte[] Unescape(string value)
    {
        List<byte> output = new(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            switch (value[i])
            {
                case '+':
                    output.Add((byte)' ');
                    break;
                case '%':
                    if (i + 2 >= value.Length || !char.IsAsciiHexDigit(value[i + 1]) || !char.IsAsciiHexDigit(value[i + 2]))
                    {
                        return [];
                    }

                    output.Add(Convert.ToByte(value.Substring(i + 1, 2), 16));
                    i += 2;
                    break;
                default:
                    output.Add((byte)value[i]);
                    break;
            }
        }

        return [.. output];
    }
}
