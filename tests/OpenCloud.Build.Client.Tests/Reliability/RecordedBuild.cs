using System.Buffers.Binary;
using System.Globalization;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Tests.Reliability;

/// <summary>
/// What a buildkitd sent in a small build, in the order in which it came. A line of the file is: the call; how many bytes of the client had come
/// before, on its connection and on all; the engine's bytes in base64. <see cref="Count"/> says what counts.
/// </summary>
internal sealed class RecordedBuild
{
    private const string Resource = "recorded-build.txt";

    // How a call is recognized in what a client sends first: the path as HPACK encodes it.
    private static readonly Dictionary<string, byte[]> Calls = new[] { "ListWorkers", "Session", "Solve", "Status" }
        .ToDictionary(static c => c, static c => Encoded("/moby.buildkit.v1.Control/" + c));

    /// <summary>The parts.</summary>
    public required IReadOnlyList<Part> Parts { get; init; }

    /// <summary>The bytes of each call.</summary>
    public IReadOnlyDictionary<string, int> Lengths => Parts.GroupBy(static p => p.Call).ToDictionary(static g => g.Key, static g => g.Sum(static p => p.Bytes.Length));

    /// <summary>The recording that the tests have.</summary>
    public static RecordedBuild Load()
    {
        using Stream stream = typeof(RecordedBuild).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException($"There is no {Resource}.");
        using StreamReader reader = new(stream);
        return new RecordedBuild
        {
            Parts =
            [
                .. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static l => l[0] != '#').Select(static l => l.Split(' '))
                    .Select(static f => new Part(f[0], Number(f[1]), Number(f[2]), Convert.FromBase64String(f[3]))),
            ],
        };
    }

    /// <summary>The text of a recording.</summary>
    public string Text() => string.Concat(Parts.Select(static p => string.Create(CultureInfo.InvariantCulture, $"{p.Call} {p.After} {p.AfterAll} {Convert.ToBase64String(p.Bytes)}\n")));

    /// <summary>The call that a client makes on a connection; null while that is not known.</summary>
    public static string? CallOf(ReadOnlySpan<byte> sent)
    {
        foreach ((string call, byte[] path) in Calls)
        {
            if (sent.IndexOf(path) >= 0)
            {
                return call;
            }
        }

        return null;
    }

    /// <summary>
    /// How many bytes of messages a client has sent on a connection. Headers do not count, as Huffman's code makes the ids in them longer and shorter;
    /// nor do the heads of a session's messages, which hold as much as there was to send at a time.
    /// </summary>
    public static int Count(ReadOnlySpan<byte> sent)
    {
        // RFC 9113: after a preface of 24 octets, frames with a head of 9, of which 3 are the length and the next is the type, 0 for DATA.
        using MemoryStream data = new();
        for (int at = 24, length; at + 9 <= sent.Length; at += 9 + length)
        {
            length = (sent[at] << 16) | (sent[at + 1] << 8) | sent[at + 2];
            if (sent[at + 3] == 0)
            {
                ReadOnlySpan<byte> rest = sent[(at + 9)..];
                data.Write(rest[..Math.Min(rest.Length, length)]);
            }
        }

        ReadOnlySpan<byte> messages = data.GetBuffer().AsSpan(0, (int)data.Length);
        if (CallOf(sent) != "Session")
        {
            return messages.Length;
        }

        // gRPC's prefix of five octets, and a field of bytes: a tag and a length.
        int count = 0;
        while (messages.Length > 7)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(messages[1..]);
            int head = 5 + 1 + (length < 0x80 + 2 ? 1 : length < 0x4000 + 3 ? 2 : 3);
            count += Math.Min(messages.Length, 5 + length) - head;
            messages = messages[Math.Min(messages.Length, 5 + length)..];
        }

        return count;
    }

    /// <summary>The build that was recorded.</summary>
    /// <param name="context">Its context, which <see cref="Fill"/> has made.</param>
    /// <param name="archive">Where its output goes.</param>
    public static ImageBuildRequest Request(string context, string archive) => new()
    {
        ContextPath = context,
        NoCache = true,
        Outputs = [new BuildOutput { Type = BuildOutput.Tar, Destination = archive }],
    };

    /// <summary>Makes the context.</summary>
    public static void Fill(TemporaryDirectory context)
    {
        context.File("Dockerfile", "FROM scratch\nCOPY file /\n");
        context.File("file", "content");
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static byte[] Encoded(string text)
    {
        byte[] encoded = new byte[HpackHuffman.GetEncodedLength(text)];
        HpackHuffman.Encode(text, encoded);
        return encoded;
    }

    /// <summary>Bytes of the engine's.</summary>
    /// <param name="Call">The call whose connection they come on.</param>
    /// <param name="After">How many bytes the client had sent there before.</param>
    /// <param name="AfterAll">How many bytes the client had sent on all connections before.</param>
    /// <param name="Bytes">The bytes.</param>
    internal sealed record Part(string Call, int After, int AfterAll, byte[] Bytes);
}
