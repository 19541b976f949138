using System.Globalization;
using System.Text;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Tests.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Docker;

/// <summary>What a Docker Engine answers is its own choice: whatever it is, the project's errors come of it or values that can be.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class DockerAnswerTests
{
    private const string Version = """{"ApiVersion":"1.48","Version":"28.0.0"}""";
    private const string Usual = """[{"Id":"sha256:1","RepoTags":["a:1"],"RepoDigests":[],"Size":1,"Created":1}]""";

    [Theory]
    [InlineData("""[{"Id":"sha256:1","RepoTags":["a:1"],"Size":1,"Created":9223372036854775807}]""")]
    [InlineData("""[{"Id":"sha256:1","RepoTags":["a:1"],"Size":1e99,"Created":"yesterday"}]""")]
    [InlineData("""[{"Id":"sha256:1","RepoTags":["a:1",7],"RepoDigests":{},"Size":{},"Labels":{"a":1,"a":2},"Descriptor":7}]""")]
    [InlineData("""[{"Id":"sha256:1","RepoTags":["a:1"],"Labels":{"\ud800":"x"},"Manifests":[7,{"Kind":"image","ImageData":{"Platform":7,"Size":7}},{"Kind":"image","ImageData":{"Platform":{"os":"linux","architecture":"amd64"},"Size":{"Unpacked":9223372036854775807}}},{"Kind":"image","ImageData":{"Platform":{"os":"linux","architecture":"arm64"},"Size":{"Unpacked":9223372036854775807}},"Size":7}]}]""")]
    [InlineData("[{\"Id\":\"sha256:1\",\"RepoTags\":[\"a:1\",\"\u009c\"],\"Size\":-9223372036854775808}]")]
    public async Task Values_of_images_that_cannot_be_are_passed_over(string list)
    {
        ContainerImage image = Assert.Single(await ListAsync(Version, "{}", list));
        Assert.Equal("a:1", image.Name);
        _ = image.ToString();
    }

    [Theory]
    [InlineData(Version, "{}", """[{"RepoTags":["a:1"]}]""")]
    [InlineData(Version, "{}", "[7]")]
    [InlineData(Version, "{}", "7")]
    [InlineData(Version, "{}", "[{")]
    [InlineData(Version, "x", Usual)]
    [InlineData("x", "{}", Usual)]
    public async Task Answers_that_are_none_are_the_engines_errors(string version, string info, string list) =>
        await Assert.ThrowsAsync<DockerEngineException>(() => ListAsync(version, info, list));

    [Theory]
    [InlineData("[]", "7")]
    [InlineData("""{"ApiVersion":7}""", """{"DriverStatus":7}""")]
    [InlineData("""{"ApiVersion":"1.9999999999"}""", "[]")]
    public async Task Facts_of_another_form_are_taken_for_none(string version, string info) => Assert.Single(await ListAsync(version, info, Usual));

    [Fact]
    public async Task An_answer_without_end_is_given_up()
    {
        long before = GC.GetTotalAllocatedBytes();
        await using RawServer server = new(static async (stream, token) =>
        {
            await RawServer.ReadHeadAsync(stream, token);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"a\":\""u8.ToArray(), token);
            byte[] piece = new byte[1024 * 1024];
            piece.AsSpan().Fill((byte)'a');
            while (true)
            {
                await stream.WriteAsync(piece, token);
            }
        });
        DockerEngineClient client = new(EngineAddress.Parse("docker://" + server.Path), new EngineConnectOptions());
        await using (client)
        {
            DockerEngineException e = await Assert.ThrowsAsync<DockerEngineException>(() => client.GetFactsAsync(TestContext.Current.CancellationToken));
            Assert.Contains("too long", e.Message, StringComparison.Ordinal);
        }

        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 512L << 20);
    }

    [Theory]
    [InlineData("{\"message\":7}")]
    [InlineData("{\"message\":\"\u009c\"}")]
    [InlineData("[]")]
    [InlineData("no JSON")]
    public async Task A_failure_in_any_form_is_told(string body)
    {
        await using RawServer server = new((stream, token) => AnswerAsync(stream, "500 Failed", Encoding.Latin1.GetBytes(body), token));
        DockerEngineClient client = new(EngineAddress.Parse("docker://" + server.Path), new EngineConnectOptions());
        await using (client)
        {
            DockerEngineException e = await Assert.ThrowsAsync<DockerEngineException>(() => client.GetFactsAsync(TestContext.Current.CancellationToken));
            Assert.Contains("HTTP 500", e.Message, StringComparison.Ordinal);
        }
    }

    private static async Task<List<ContainerImage>> ListAsync(string version, string info, string list)
    {
        await using RawServer server = new(async (stream, token) =>
        {
            while (await RawServer.ReadHeadAsync(stream, token) is { Length: > 0 } head)
            {
                string path = head.Split(' ')[1];
                string body = path.EndsWith("/version", StringComparison.Ordinal) ? version : path.EndsWith("/info", StringComparison.Ordinal) ? info : path.Contains("/images/json", StringComparison.Ordinal) ? list : "[]";
                await AnswerAsync(stream, "200 OK", Encoding.Latin1.GetBytes(body), token);
            }
        });
        await using DockerImageStore store = new(new DockerEngineClient(EngineAddress.Parse("docker://" + server.Path), new EngineConnectOptions()));
        List<ContainerImage> images = [];
        await foreach (ContainerImage image in store.ListAsync(new ImageQuery(), TestContext.Current.CancellationToken))
        {
            images.Add(image);
        }

        return images;
    }

    private static async Task AnswerAsync(Stream stream, string status, byte[] body, CancellationToken token)
    {
        if (status[0] != '2')
        {
            await RawServer.ReadHeadAsync(stream, token);
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n")), token);
        await stream.WriteAsync(body, token);
    }
}
