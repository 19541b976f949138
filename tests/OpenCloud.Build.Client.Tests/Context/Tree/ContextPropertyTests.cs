using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Tree;

public class ContextPropertyTests
{
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(2000);

    // Few bytes, so that prefixes and separators meet often.
    private static readonly Arbitrary<byte[]> Paths = Gen.Elements("a"u8.ToArray().Concat("b-./é"u8.ToArray()).Append((byte)0xFF).ToArray())
        .ArrayOf().Where(static path => path.Length > 0).ToArbitrary();

    [Fact]
    public void Paths_are_ordered_by_their_components_bytes() =>
        Prop.ForAll(Paths, Paths, static (left, right) =>
            Math.Sign(BytePath.Compare(left, right)) == Math.Sign(CompareComponents(left, right))).Check(Thorough);

    [Fact]
    public void Names_are_sorted_by_their_bytes() =>
        Prop.ForAll(Paths.Generator.ListOf().ToArbitrary(), static names =>
        {
            NameList list = new();
            foreach (byte[] name in names)
            {
                list.Add(name, EntryKind.Other);
            }

            list.Sort();
            byte[][] expected = [.. names];
            Array.Sort(expected, static (left, right) => left.AsSpan().SequenceCompareTo(right));
            return Enumerable.Range(0, list.Count).All(i => list[i].SequenceEqual(expected[i]));
        }).Check(Thorough);

    [Fact]
    public void Globs_match_as_the_plainest_matcher_does()
    {
        Gen<string> component = Gen.Elements("a", "b", "ab", "*", "?", "a*", "*b", "**", "[a-b]", "[^a]", "a?b*");
        Gen<string> pattern = component.NonEmptyListOf().Select(static parts => string.Join('/', parts.Take(4)));
        Gen<string> path = Gen.Elements("a", "b", "ab", "ba", "aab", "c").NonEmptyListOf().Select(static parts => string.Join('/', parts.Take(5)));
        Prop.ForAll(pattern.ToArbitrary(), path.ToArbitrary(), static (pattern, path) =>
        {
            bool actual = new Pattern(Encoding.UTF8.GetBytes(pattern), isException: false).IsMatch(Encoding.UTF8.GetBytes(path));
            return actual == Plain(pattern, path);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    [Fact]
    public void Stat_packets_decode_to_what_was_encoded() =>
        Prop.ForAll<long, long, uint>(static (size, modified, mode) =>
        {
            TreeEntry entry = new();
            entry.Reset();
            entry.Mode = mode & ~GoFileMode.Socket;
            entry.Size = Math.Abs(size / 2);
            entry.Modified = modified;
            entry.DeviceMajor = mode;
            entry.DeviceMinor = mode >> 1;
            string path = string.Concat(Enumerable.Repeat("dé/", (int)(mode % 100))) + "x";
            entry.LinkName = Encoding.UTF8.GetBytes(path);
            entry.Attributes.Add(new("user.x"u8.ToArray(), new byte[mode % 300]));
            entry.Attributes.Add(new("user.y"u8.ToArray(), []));
            byte[] bytes = Encoding.UTF8.GetBytes(path);
            byte[] buffer = new byte[PacketCodec.StatSize(bytes, entry)];
            Assert.Equal(buffer.Length, PacketCodec.WriteStat(buffer, bytes, entry));
            Assert.Equal(buffer.Length - 5, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(1)));
            Packet expected = new()
            {
                Stat = new Stat
                {
                    Path = path,
                    Linkname = path,
                    Mode = entry.Mode,
                    Size = entry.Size,
                    ModTime = modified,
                    Devmajor = entry.DeviceMajor,
                    Devminor = entry.DeviceMinor,
                },
            };
            expected.Stat.Xattrs["user.x"] = Google.Protobuf.ByteString.CopyFrom(new byte[mode % 300]);
            expected.Stat.Xattrs["user.y"] = Google.Protobuf.ByteString.Empty;
            return Packet.Parser.ParseFrom(buffer.AsSpan(5)).Equals(expected);
        }).Check(Thorough);

    [Fact]
    public void Data_packets_decode_to_what_was_encoded() =>
        Prop.ForAll<uint, byte[]>(static (id, content) =>
        {
            byte[] buffer = new byte[PacketCodec.MaxDataHeader + content.Length];
            int header = PacketCodec.WriteDataHeader(buffer, id, content.Length);
            content.CopyTo(buffer, header);
            Packet packet = Packet.Parser.ParseFrom(buffer.AsSpan(5, header - 5 + content.Length));
            int length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(1));
            return packet.Type == Packet.Types.PacketType.PacketData && packet.Id == id
                && packet.Data.Span.SequenceEqual(content) && length == header - 5 + content.Length;
        }).Check(Thorough);

    [Fact]
    public void Received_packets_are_read_and_rubbish_is_refused()
    {
        Assert.Equal(new ReceivedPacket(PacketType.Request, 7, null), PacketCodec.Read([8, 1, 24, 7]));
        Assert.Equal(new ReceivedPacket(PacketType.Request, 0, null), PacketCodec.Read([8, 1]));
        Assert.Equal(new ReceivedPacket(PacketType.Finish, 0, null), PacketCodec.Read(PacketCodec.Finish().AsSpan(5)));
        Assert.Equal(new ReceivedPacket(PacketType.Error, 0, "no"), PacketCodec.Read(PacketCodec.Error("no").AsSpan(5)));
        Prop.ForAll<byte[]>(static bytes =>
        {
            try
            {
                PacketCodec.Read(bytes);
            }
            catch (ContextException)
            {
            }
        }).Check(Thorough);
    }

    [Fact]
    public void Cleaning_is_idempotent_and_leaves_no_removable_component() =>
        Prop.ForAll(Paths, static path =>
        {
            byte[] clean = BytePath.Clean(path);
            string text = Encoding.Latin1.GetString(clean);
            return BytePath.Clean(clean).AsSpan().SequenceEqual(clean) && !text.Contains("//", StringComparison.Ordinal)
                && !$"/{text}/".Contains("/./", StringComparison.Ordinal) == (text != ".");
        }).Check(Thorough);

    private static int CompareComponents(byte[] left, byte[] right)
    {
        byte[][] a = Split(left);
        byte[][] b = Split(right);
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            int order = a[i].AsSpan().SequenceCompareTo(b[i]);
            if (order != 0)
            {
                return order;
            }
        }

        return a.Length - b.Length;
    }

    private static byte[][] Split(byte[] path)
    {
        List<byte[]> parts = new();
        foreach (Range range in path.AsSpan().Split((byte)'/'))
        {
            parts.Add(path[range]);
        }

        return [.. parts];
    }

    /// <summary>Tries everything. A <c>**</c> takes any number of whole components, and at the end anything.</summary>
    private static bool Plain(string pattern, string path)
    {
        if (pattern.Length == 0)
        {
            return path.Length == 0;
        }

        if (pattern == "**" || pattern == "**/")
        {
            return true;
        }

        if (pattern.StartsWith("**/", StringComparison.Ordinal))
        {
            // "**/**" is "**".
            string rest = pattern[3..];
            return Plain(rest, path) || path.Select((c, i) => c == '/' && Plain(rest, path[(i + 1)..])).Any(static found => found);
        }

        char head = pattern[0];
        if (head == '*')
        {
            string rest = pattern[1..];
            return Enumerable.Range(0, path.Length + 1).TakeWhile(i => !path[..i].Contains('/')).Any(i => Plain(rest, path[i..]));
        }

        if (path.Length == 0)
        {
            return false;
        }

        if (head == '[')
        {
            int end = pattern.IndexOf(']', StringComparison.Ordinal);
            bool contains = pattern[1] == '^' ? path[0] != 'a' : path[0] is 'a' or 'b';
            return contains && Plain(pattern[(end + 1)..], path[1..]);
        }

        return (head == '?' ? path[0] != '/' : head == path[0]) && Plain(pattern[1..], path[1..]);
    }
}
