using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context;

/// <summary>Slash-separated paths as bytes. Linux names are bytes, and a name that is not valid UTF-8 must survive.</summary>
/// <remarks>
/// The lexical rules are those that the daemon applies to the same strings (Go's <c>path/filepath</c> on Unix), so that a pattern means
/// the same on both sides.
/// </remarks>
internal static class BytePath
{
    public const byte Separator = (byte)'/';

    private static readonly byte[] Dot = [(byte)'.'];

    /// <summary>The shortest lexically equal path: no empty, <c>.</c> or removable <c>..</c> components; "" becomes ".".</summary>
    public static byte[] Clean(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
        {
            return Dot;
        }

        bool rooted = path[0] == Separator;
        byte[] output = new byte[path.Length + 1];
        int length = 0;
        if (rooted)
        {
            output[length++] = Separator;
        }

        // Where the part begins that ".." may remove.
        int floor = length;
        int position = 0;
        while (position < path.Length)
        {
            ReadOnlySpan<byte> rest = path[position..];
            int end = rest.IndexOf(Separator);
            ReadOnlySpan<byte> component = end < 0 ? rest : rest[..end];
            position += component.Length + 1;
            if (component.IsEmpty || component.SequenceEqual("."u8))
            {
                continue;
            }

            if (component.SequenceEqual(".."u8))
            {
                if (length > floor)
                {
                    int parent = output.AsSpan(floor, length - floor).LastIndexOf(Separator);
                    length = parent < 0 ? floor : floor + parent;
                    continue;
                }

                if (rooted)
                {
                    continue;
                }
            }

            if (length > 0 && output[length - 1] != Separator)
            {
                output[length++] = Separator;
            }

            component.CopyTo(output.AsSpan(length));
            length += component.Length;
            if (component.SequenceEqual(".."u8))
            {
                floor = length;
            }
        }

        return length == 0 ? Dot : output.AsSpan(0, length).ToArray();
    }

    /// <summary>Joins two paths, ignoring an empty one, and cleans the result; two empty paths give "".</summary>
    public static byte[] Join(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (first.IsEmpty)
        {
            return second.IsEmpty ? [] : Clean(second);
        }

        return second.IsEmpty ? Clean(first) : Clean([.. first, Separator, .. second]);
    }

    /// <summary>The directory of a clean path: "." when it has none, "/" for a name in the root.</summary>
    public static ReadOnlySpan<byte> Directory(ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf(Separator);
        return slash switch
        {
            < 0 => Dot,
            0 => path[..1],
            _ => path[..slash],
        };
    }

    public static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> path) => path[(path.LastIndexOf(Separator) + 1)..];

    /// <summary>Orders paths by their components' bytes: the separator is lower than every other byte.</summary>
    public static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        int common = left.CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
        {
            return left.Length - right.Length;
        }

        byte a = left[common];
        byte b = right[common];
        return a == Separator ? -1 : b == Separator ? 1 : a - b;
    }

    /// <summary>Removes leading and trailing white space (Unicode's, as Go's <c>strings.TrimSpace</c> does).</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            int rune = Utf8.Decode(text, out int width);
            if (!Utf8.IsSpace(rune))
            {
                break;
            }

            text = text[width..];
        }

        while (!text.IsEmpty)
        {
            int rune = Utf8.DecodeLast(text, out int width);
            if (!Utf8.IsSpace(rune))
            {
                break;
            }

            text = text[..^width];
        }

        return text;
    }
}
