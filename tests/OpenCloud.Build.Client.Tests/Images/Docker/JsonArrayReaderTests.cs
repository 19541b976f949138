using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Images.Docker;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Docker;

public sealed class JsonArrayReaderTests
{
    [Theory]
    [InlineData("[]")]
    [InlineData(" [ 1 , \"two\" , null , true , { \"three\" : [ 3 , { } ] } , [ ] ]\n")]
    [InlineData("null")]
    public async Task Elements_are_those_of_the_document(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        string[] expected = document.RootElement.ValueKind == JsonValueKind.Null ? [] : [.. document.RootElement.EnumerateArray().Select(static e => e.GetRawText())];
        Assert.Equal(expected, (await ReadAsync(text)).Select(static e => e.GetRawText()));
    }

    [Fact]
    public async Task Elements_may_be_longer_than_the_buffer_and_end_anywhere_in_it()
    {
        string[] values = [.. Enumerable.Range(0, 400).Select(static i => new string((char)('a' + (i % 26)), i * 997 % 5000)), new string('x', 300_000), "é", new string('y', 65_530)];
        JsonElement[] elements = [.. await ReadAsync(JsonSerializer.Serialize(values))];
        Assert.Equal(values, elements.Select(static e => e.GetString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("[1")]
    [InlineData("[{\"a\":")]
    [InlineData("[1 2]")]
    [InlineData("[] []")]
    [InlineData("{\"a\":1}")]
    [InlineData("1")]
    [InlineData("<html>")]
    public async Task What_is_no_array_is_an_error(string text) => await Assert.ThrowsAnyAsync<JsonException>(() => ReadAsync(text));

    [Fact]
    public async Task An_element_has_a_limit() =>
        await Assert.ThrowsAsync<JsonException>(() => ReadAsync("[\"" + new string('x', 200_000) + "\"]", 100_000));

    private static async Task<List<JsonElement>> ReadAsync(string text, int longest = 1 << 20)
    {
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(text));
        List<JsonElement> elements = [];
        await foreach (JsonElement element in JsonArrayReader.ReadAsync(stream, longest, TestContext.Current.CancellationToken))
        {
            elements.Add(element);
        }

        return elements;
    }
}
