using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>The examples of RFC 7541, appendix C.</summary>
public sealed class HpackVectorTests
{
    private static readonly string[] Requests =
    [
        ":method: GET|:scheme: http|:path: /|:authority: www.example.com",
        ":method: GET|:scheme: http|:path: /|:authority: www.example.com|cache-control: no-cache",
        ":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|custom-key: custom-value",
    ];

    private static readonly string[] Responses =
    [
        ":status: 302|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com",
        ":status: 307|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com",
        ":status: 200|cache-control: private|date: Mon, 21 Oct 2013 20:13:22 GMT|location: https://www.example.com|content-encoding: gzip"
            + "|set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ];

    [Theory]
    [InlineData(10, 5, "0a")]
    [InlineData(1337, 5, "1f9a0a")]
    [InlineData(42, 8, "2a")]
    public void IntegersOfC1(int value, int prefixBits, string hex)
    {
        byte[] buffer = new byte[HpackInteger.MaxLength];
        int written = HpackInteger.Write(buffer, 0, prefixBits, value);
        Assert.Equal(hex, Convert.ToHexStringLower(buffer.AsSpan(0, written)));
        int position = 0;
        Assert.Equal(value, HpackInteger.Read(buffer, ref position, prefixBits));
        Assert.Equal(written, position);
    }

    [Theory]
    [InlineData("400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header", 55)]
    [InlineData("040c2f73616d706c652f70617468", ":path: /sample/path", 0)]
    [InlineData("100870617373776f726406736563726574", "password: secret", 0)]
    [InlineData("82", ":method: GET", 0)]
    public void FieldsOfC2(string hex, string expected, int tableSize)
    {
        HpackDecoder decoder = new(4096);
        Assert.Equal(expected, Decode(decoder, hex));
        Assert.Equal(tableSize, decoder.TableSize);
    }

    [Fact]
    public void RequestsOfC3() => CheckSequence(4096, Requests, [57, 110, 164],
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565");

    [Fact]
    public void HuffmanRequestsOfC4() => CheckSequence(4096, Requests, [57, 110, 164],
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf");

    [Fact]
    public void ResponsesOfC5WithEvictions() => CheckSequence(256, Responses, [222, 222, 215],
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31");

    [Fact]
    public void HuffmanResponsesOfC6WithEvictions() => CheckSequence(256, Responses, [222, 222, 215],
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007");

    [Fact]
    public void TheEncoderMakesTheRequestsOfC4()
    {
        // Our choices are those of the example, except that it keeps all fields.
        HpackEncoder encoder = new();
        string[] blocks = ["828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf", "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"];
        for (int i = 0; i < blocks.Length; i++)
        {
            using PooledBuffer output = new(64);
            encoder.Encode(Parse(Requests[i]), output);
            Assert.Equal(blocks[i], Convert.ToHexStringLower(output.Span));
        }
    }

    [Theory]
    [InlineData("80")] // Index 0.
    [InlineData("be")] // An entry that does not exist.
    [InlineData("ff80808080808001")] // An integer of more than 31 bits.
    [InlineData("7f")] // Cut off inside an integer.
    [InlineData("400a6375")] // Cut off inside a string.
    [InlineData("40")] // Cut off before a string.
    [InlineData("3fe21f")] // A table of 4097 octets, of 4096 announced.
    [InlineData("8220")] // A size update after a field.
    [InlineData("408461626364")] // A Huffman string without a value behind it.
    [InlineData("0084ffffffff0161")] // The end-of-string symbol.
    [InlineData("008100")] // Huffman padding of zeros, then no value.
    [InlineData("0082ffff0161")] // Huffman padding of more than 7 bits.
    public void MalformedBlocksAreCompressionErrors(string hex)
    {
        Http2Exception error = Assert.Throws<Http2Exception>(() => Decode(new HpackDecoder(4096), hex));
        Assert.Equal(Http2ErrorCode.CompressionError, error.ErrorCode);
    }

    [Fact]
    public void AListThatIsTooLargeIsStillDecodedToItsEnd()
    {
        HpackDecoder decoder = new(4096);
        HeaderList headers = new();
        Assert.False(decoder.Decode(Convert.FromHexString("82400a637573746f6d2d6b65790d637573746f6d2d686561646572"), headers, 60));
        Assert.Single(headers);
        Assert.Equal("custom-key: custom-header", Decode(decoder, "be"));
    }

    [Fact]
    public void ASmallerAndLaterLargerTableIsAnnouncedInBothSteps()
    {
        HpackEncoder encoder = new();
        HpackDecoder decoder = new(4096);
        using PooledBuffer output = new(64);
        encoder.Encode(Parse("custom-key: custom-value"), output);
        Assert.Equal("custom-key: custom-value", Decode(decoder, Convert.ToHexString(output.Span)));

        encoder.SetPeerTableSize(0);
        encoder.SetPeerTableSize(1000);
        output.Clear();
        encoder.Encode(Parse("custom-key: custom-value"), output);
        Assert.StartsWith("203fc907", Convert.ToHexStringLower(output.Span), StringComparison.Ordinal);
        Assert.Equal("custom-key: custom-value", Decode(decoder, Convert.ToHexString(output.Span)));
    }

    private static void CheckSequence(int tableSize, string[] expected, int[] tableSizes, params string[] blocks)
    {
        HpackDecoder decoder = new(tableSize);
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.Equal(expected[i], Decode(decoder, blocks[i]));
            Assert.Equal(tableSizes[i], decoder.TableSize);
        }
    }

    private static string Decode(HpackDecoder decoder, string hex)
    {
        HeaderList headers = new();
        Assert.True(decoder.Decode(Convert.FromHexString(hex), headers, int.MaxValue));
        return string.Join('|', headers.Select(field => $"{field.Name}: {field.Value}"));
    }

    private static HeaderList Parse(string text)
    {
        HeaderList headers = new();
        foreach (string field in text.Split('|'))
        {
            int colon = field.IndexOf(": ", StringComparison.Ordinal);
            headers.Add(field[..colon], field[(colon + 2)..]);
        }

        return headers;
    }
}
