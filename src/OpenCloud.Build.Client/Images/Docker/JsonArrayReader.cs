using System.Runtime.CompilerServices;
using System.Text.Json;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>Reads the elements of a JSON array one after the other, without holding the array.</summary>
/// <remarks>
/// JsonSerializer has this, too. For the first array, the runtime compiles more than a hundred of its methods, and the first completion of a
/// session waits for that.
/// </remarks>
internal static class JsonArrayReader
{
    private const int FirstSize = 64 * 1024;

    /// <param name="stream">The array as UTF-8.</param>
    /// <param name="longest">The limit of one element in bytes.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="JsonException">The stream has no JSON array, or an element is too long.</exception>
    public static async IAsyncEnumerable<JsonElement> ReadAsync(Stream stream, int longest, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[FirstSize];
        List<JsonElement> found = [];
        JsonReaderState state = default;
        int filled = 0;
        bool isLast;
        do
        {
            // A full buffer, so that an element of any length is parsed again only when its buffer has doubled.
            filled += await stream.ReadAtLeastAsync(buffer.AsMemory(filled), buffer.Length - filled, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            isLast = filled < buffer.Length;
            int used = Parse(buffer.AsSpan(0, filled), isLast, ref state, found);
            foreach (JsonElement element in found)
            {
                yield return element;
            }

            found.Clear();
            buffer.AsSpan(used, filled - used).CopyTo(buffer);
            filled -= used;
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length < longest ? buffer.Length * 2 : throw new JsonException("An element is too long."));
            }
        }
        while (!isLast);
    }

    /// <summary>Parses the complete elements; returns the number of bytes that they take.</summary>
    private static int Parse(ReadOnlySpan<byte> bytes, bool isLast, ref JsonReaderState state, List<JsonElement> found)
    {
        Utf8JsonReader reader = new(bytes, isLast, state);
        while (true)
        {
            Utf8JsonReader next = reader;
            if (!next.Read())
            {
                break;
            }

            if (next.CurrentDepth > 0)
            {
                if (!JsonElement.TryParseValue(ref next, out JsonElement? element))
                {
                    break;
                }

                found.Add(element.Value);
            }
            else if (next.TokenType is not (JsonTokenType.StartArray or JsonTokenType.EndArray or JsonTokenType.Null))
            {
                throw new JsonException("It is not an array.");
            }

            reader = next;
        }

        state = reader.CurrentState;
        return (int)reader.BytesConsumed;
    }
}
