using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

public sealed class HpackPropertyTests
{
    private static readonly string[] Names = [":method", ":path", ":status", "content-type", "grpc-status", "grpc-message", "x-one", "x-two", "te"];

    private static Arbitrary<(string Name, byte[] Value)[][]> Blocks
    {
        get
        {
            Gen<byte[]> anyValue = Gen.Choose(0, 255).Select(octet => (byte)octet).ArrayOf();
            Gen<byte[]> commonValue = Gen.Elements("GET", "/", "200", "application/grpc", "0").Select(Encoding.Latin1.GetBytes);
            Gen<byte[]> longValue = Gen.Choose(100, 3000).Select(length => Encoding.Latin1.GetBytes(new string('v', length)));
            Gen<(string, byte[])> pair =
                from name in Gen.Elements(Names)
                from value in Gen.OneOf(anyValue, commonValue, longValue)
                select (name, value);
            return pair.ArrayOf().ArrayOf().ToArbitrary();
        }
    }

    [Fact]
    public void WhatTheEncoderWritesTheDecoderReads() => Prop.ForAll(Blocks, ArbMap.Default.ArbFor<int[]>(), (blocks, tableSizes) =>
    {
        HpackEncoder encoder = new();
        HpackDecoder decoder = new(HpackEncoder.DefaultTableSize);
        for (int i = 0; i < blocks.Length; i++)
        {
            if (i < tableSizes.Length)
            {
                encoder.SetPeerTableSize((uint)Math.Abs((long)tableSizes[i]) * 97 % 6000);
            }

            HeaderList headers = ToHeaders(blocks[i]);
            using PooledBuffer output = new(16);
            encoder.Encode(headers, output);
            AssertDecodes(decoder, output.Span, headers);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void AnyRepresentationIsRead() => Prop.ForAll(Blocks, ArbMap.Default.ArbFor<int>(), (blocks, seed) =>
    {
        // An encoder of its own: chooses at random among all representations that RFC 7541, 6 allows, and resizes the table at random.
        Random random = new(seed);
        List<(string Name, string Value)> table = new();
        int maxSize = 4096;
        HpackDecoder decoder = new(4096);
        foreach ((string Name, byte[] Value)[] block in blocks)
        {
            HeaderList headers = ToHeaders(block);
            List<byte> output = new();
            if (random.Next(4) == 0)
            {
                maxSize = random.Next(4097);
                AddInteger(output, 0x20, 5, maxSize);
                Evict(table, maxSize);
            }

            foreach (HeaderField field in headers)
            {
                AddRandomly(output, field, table, maxSize, random);
            }

            AssertDecodes(decoder, [.. output], headers);
            Assert.Equal(table.Sum(entry => entry.Name.Length + entry.Value.Length + 32), decoder.TableSize);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void AnyOctetsPassThroughTheHuffmanCode() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), octets =>
    {
        string text = Encoding.Latin1.GetString(octets);
        byte[] encoded = new byte[HpackHuffman.GetEncodedLength(text)];
        Assert.Equal(encoded.Length, HpackHuffman.Encode(text, encoded));
        byte[] decoded = new byte[HpackHuffman.GetMaxDecodedLength(encoded.Length)];
        Assert.True(HpackHuffman.TryDecode(encoded, decoded, out int written));
        Assert.Equal(octets, decoded[..written]);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void RandomOctetsEitherDecodeOrAreCompressionErrors() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), octets =>
    {
        try
        {
            new HpackDecoder(4096).Decode(octets, new HeaderList(), 65536);
        }
        catch (Http2Exception error)
        {
            Assert.Equal(Http2ErrorCode.CompressionError, error.ErrorCode);
        }
    }).QuickCheckThrowOnFailure();

    private static void AddRandomly(List<byte> output, HeaderField field, List<(string Name, string Value)> table, int maxSize, Random random)
    {
        List<(string Name, string Value)> all = [.. Enumerable.Range(1, HpackStaticTable.Count).Select(i => (HpackStaticTable.Get(i).Name, HpackStaticTable.Get(i).Value)), .. table];
        int[] full = [.. Enumerable.Range(0, all.Count).Where(i => all[i] == (field.Name, field.Value))];
        if (full.Length > 0 && random.Next(2) == 0)
        {
            AddInteger(output, 0x80, 7, full[random.Next(full.Length)] + 1);
            return;
        }

        int[] byName = [.. Enumerable.Range(0, all.Count).Where(i => all[i].Name == field.Name)];
        int nameIndex = byName.Length > 0 && random.Next(2) == 0 ? byName[random.Next(byName.Length)] + 1 : 0;
        int kind = random.Next(3);
        AddInteger(output, kind == 0 ? (byte)0x40 : kind == 1 ? (byte)0x10 : (byte)0, kind == 0 ? 6 : 4, nameIndex);
        if (nameIndex == 0)
        {
            AddString(output, field.Name, random);
        }

        AddString(output, field.Value, random);
        if (kind == 0)
        {
            Evict(table, Math.Max(0, maxSize - field.Size));
            if (field.Size <= maxSize)
            {
                table.Insert(0, (field.Name, field.Value));
            }
        }
    }

    private static void AddString(List<byte> output, string text, Random random)
    {
        if (random.Next(2) == 0)
        {
            AddInteger(output, 0, 7, text.Length);
            output.AddRange(Encoding.Latin1.GetBytes(text));
            return;
        }

        byte[] encoded = new byte[HpackHuffman.GetEncodedLength(text)];
        HpackHuffman.Encode(text, encoded);
        AddInteger(output, 0x80, 7, encoded.Length);
        output.AddRange(encoded);
    }

    private static void AddInteger(List<byte> output, byte first, int prefixBits, int value)
    {
        byte[] buffer = new byte[HpackInteger.MaxLength];
        output.AddRange(buffer[..HpackInteger.Write(buffer, first, prefixBits, value)]);
    }

    private static void Evict(List<(string Name, string Value)> table, int size)
    {
        while (table.Sum(entry => entry.Name.Length + entry.Value.Length + 32) > size)
        {
            table.RemoveAt(table.Count - 1);
        }
    }

    private static HeaderList ToHeaders((string Name, byte[] Value)[] block)
    {
        HeaderList headers = new();
        foreach ((string name, byte[] value) in block)
        {
            headers.Add(name, Encoding.Latin1.GetString(value));
        }

        return headers;
    }

    private static void AssertDecodes(HpackDecoder decoder, ReadOnlySpan<byte> block, HeaderList expected)
    {
        HeaderList decoded = new();
        Assert.True(decoder.Decode(block, decoded, int.MaxValue));
        Assert.Equal(expected.ToArray(), decoded.ToArray());
    }
}
