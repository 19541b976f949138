using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Tests.Engines;

namespace OpenCloud.Build.Client.Tests.Containers;

/// <summary>The part of a Docker Engine's API that containers with engines use, with its state in memory. One request can be made to fail.</summary>
internal sealed class FakeDocker : IAsyncDisposable
{
    private readonly RawServer _server;
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, JsonObject> _containers = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, JsonObject> _volumes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _images = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _untagged = new(StringComparer.Ordinal);
    private int _created;
    private int _changes;
    private int _pulled;

    public FakeDocker() => _server = new RawServer(ServeAsync);

    public string Address => "docker://" + _server.Path;

    /// <summary>The number of the changing request that fails, from 1; 0 for none.</summary>
    public int FailingChange { get; set; }

    /// <summary>How often a container that runs has ended.</summary>
    public int Restarts { get; set; }

    /// <summary>Whether new containers are of now, instead of a day long ago.</summary>
    public bool CreatedNow { get; set; }

    /// <summary>Requests with this in their path get no answer.</summary>
    public string? Unanswered { get; set; }

    public List<string> Requests { get; } = [];

    public string? Authorization { get; private set; }

    /// <summary>All there is, as text.</summary>
    public string State
    {
        get
        {
            lock (_lock)
            {
                return string.Join('\n', [
                    .. _containers.Values.Select(static c => $"container {c["Name"]} {c["Id"]} {c["Image"]} {(c["State"]!["Status"]!.ToString() == "running" ? "running" : "stopped")}"),
                    .. _volumes.Keys.Select(static v => "volume " + v),
                    .. _images.Keys.Select(static i => "image " + i),
                    .. _untagged.Select(static i => "image without a name " + i),
                ]);
            }
        }
    }

    public JsonObject Container(string name) => _containers[name];

    public void AddImage(string name, string? contents = null)
    {
        string id = IdOf(contents ?? name);
        if (_images.TryGetValue(name, out string? old) && old != id && _images.Values.Count(v => v == old) == 1)
        {
            _untagged.Add(old);
        }

        _images[name] = id;
        _untagged.Remove(id);
    }

    public void AddVolume(string name) => _volumes[name] = new JsonObject { ["Name"] = name };

    /// <summary>Begins to count the changes from 1.</summary>
    public void Count(int failing)
    {
        _changes = 0;
        FailingChange = failing;
        Requests.Clear();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(Stream stream, CancellationToken token)
    {
        while (await RawServer.ReadHeadAsync(stream, token) is { Length: > 0 } head)
        {
            string[] words = head.Split(' ');
            byte[] body = new byte[head.Split("\r\n").FirstOrDefault(static l => l.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase)) is { } length ? int.Parse(length.AsSpan(16), CultureInfo.InvariantCulture) : 0];
            await stream.ReadExactlyAsync(body, token);
            if (Unanswered is { } unanswered && words[1].Contains(unanswered, StringComparison.Ordinal))
            {
                await Task.Delay(Timeout.Infinite, token);
            }

            Authorization = head.Split("\r\n").FirstOrDefault(static l => l.StartsWith("X-Registry-Auth: ", StringComparison.Ordinal))?[17..] ?? Authorization;
            (int status, JsonNode? answer) = Answer(words[0], words[1], body.Length == 0 ? null : JsonNode.Parse(body) as JsonObject);
            byte[] bytes = answer is null ? [] : Encoding.UTF8.GetBytes(answer.ToJsonString());
            string contents = status is 204 or 304 ? "" : string.Create(CultureInfo.InvariantCulture, $"Content-Type: application/json\r\nContent-Length: {bytes.Length}\r\n");
            await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Answer\r\n{contents}\r\n")), token);
            await stream.WriteAsync(bytes, token);
        }
    }

    private (int Status, JsonNode? Body) Answer(string method, string target, JsonObject? body)
    {
        lock (_lock)
        {
            Requests.Add($"{method} {target}");
            if (target == "/version")
            {
                return (200, new JsonObject { ["ApiVersion"] = "1.48", ["Version"] = "28.0.0" });
            }

            if (method != "GET" && ++_changes == FailingChange)
            {
                return (500, new JsonObject { ["message"] = "out of order" });
            }

            string[] parts = target.Split('?');
            string[] path = [.. parts[0].Split('/', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(Uri.UnescapeDataString)];
            Dictionary<string, string> query = parts.Length < 2 ? [] : parts[1].Split('&').Select(static p => p.Split('=')).ToDictionary(static p => p[0], static p => Uri.UnescapeDataString(p[1]));
            return path switch
            {
                ["info"] => (200, new JsonObject { ["DriverStatus"] = new JsonArray("io.containerd.snapshotter.v1") }),
                ["images", "create"] => Pull($"{query["fromImage"]}:{query["tag"]}"),
                ["images", .. var name, "json"] => Image(string.Join('/', name)),
                ["images", .. var name, "tag"] => Tag(string.Join('/', name), $"{query["repo"]}:{query["tag"]}"),
                ["images", .. var name] when method == "DELETE" => (_images.Remove(string.Join('/', name)) || _untagged.Remove(string.Join('/', name)) ? 200 : 404, null),
                ["networks", var name] => (name is "none" or "bridge" ? 200 : 404, new JsonObject { ["Name"] = name }),
                ["volumes", "create"] => Volume(body!),
                ["volumes", var name] when method == "DELETE" => (_volumes.Remove(name) ? 204 : 404, null),
                ["volumes", var name] => _volumes.TryGetValue(name, out JsonObject? volume) ? (200, volume.DeepClone()) : (404, null),
                ["containers", "json"] => (200, new JsonArray([.. _containers.Values.Select(Summary)])),
                ["containers", "create"] => Create(query["name"], body!),
                ["containers", var id, .. var verb] => Container(method, id, verb.Length == 0 ? "" : verb[0], query),
                _ => (400, null),
            };
        }
    }

    private static string IdOf(string image) => "sha256:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(image)));

    private static JsonNode Summary(JsonObject container) => new JsonObject
    {
        ["Id"] = container["Id"]!.ToString(),
        ["Names"] = new JsonArray(container["Name"]!.ToString()),
        ["Labels"] = container["Config"]!["Labels"]?.DeepClone(),
        ["State"] = container["State"]!["Status"]!.ToString(),
        ["Created"] = DateTimeOffset.Parse(container["Created"]!.ToString(), CultureInfo.InvariantCulture).ToUnixTimeSeconds(),
    };

    private (int Status, JsonNode? Body) Pull(string image)
    {
        string name = image.Replace("docker.io/", "", StringComparison.Ordinal);
        AddImage(name, $"{name} pulled {++_pulled}");
        return (200, new JsonObject { ["status"] = "Downloaded" });
    }

    private (int Status, JsonNode? Body) Image(string name)
    {
        string? id = _images.GetValueOrDefault(name) ?? (_untagged.Contains(name) || _images.ContainsValue(name) ? name : null);
        return id is null ? (404, null)
            : (200, new JsonObject { ["Id"] = id, ["RepoTags"] = new JsonArray([.. _images.Where(i => i.Value == id).Select(static i => (JsonNode)i.Key)]) });
    }

    private (int Status, JsonNode? Body) Tag(string id, string name)
    {
        string? old = _images.GetValueOrDefault(name);
        _images[name] = id;
        _untagged.Remove(id);
        if (old is not null && old != id && !_images.ContainsValue(old))
        {
            _untagged.Add(old);
        }

        return (201, null);
    }

    private (int Status, JsonNode? Body) Volume(JsonObject body)
    {
        _volumes.TryAdd(body["Name"]!.ToString(), (JsonObject)body.DeepClone());
        return (201, body.DeepClone());
    }

    private (int Status, JsonNode? Body) Create(string name, JsonObject body)
    {
        if (_containers.ContainsKey(name))
        {
            return (409, new JsonObject { ["message"] = $"The name {name} is in use" });
        }

        string id = (++_created).ToString("x64", CultureInfo.InvariantCulture);
        _containers[name] = new JsonObject
        {
            ["Id"] = id,
            ["Name"] = "/" + name,
            ["Image"] = body["Image"]!.ToString(),
            ["Created"] = CreatedNow ? DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture) : "2026-01-02T03:04:05Z",
            ["RestartCount"] = 0,
            ["State"] = new JsonObject { ["Status"] = "created" },
            ["Config"] = new JsonObject { ["Labels"] = body["Labels"]?.DeepClone() },
            ["HostConfig"] = body["HostConfig"]?.DeepClone(),
        };
        return (201, new JsonObject { ["Id"] = id });
    }

    private (int Status, JsonNode? Body) Container(string method, string id, string verb, Dictionary<string, string> query)
    {
        // By its name, or by the beginning of its id, as the real one.
        (string name, JsonObject? found) = _containers.FirstOrDefault(c => c.Key == id || c.Value["Id"]!.ToString().StartsWith(id, StringComparison.Ordinal));
        if (found is null)
        {
            return (404, new JsonObject { ["message"] = $"No such container: {id}" });
        }

        switch (verb)
        {
            case "json":
                found["RestartCount"] = found["State"]!["Status"]!.ToString() == "running" ? Restarts : 0;
                return (200, found.DeepClone());
            case "start" or "stop":
                string status = verb == "start" ? "running" : "exited";
                bool isSo = found["State"]!["Status"]!.ToString() == status;
                found["State"]!["Status"] = status;
                return (isSo ? 304 : 204, null);
            case "rename":
                _containers.Remove(name);
                found["Name"] = "/" + query["name"];
                _containers[query["name"]] = found;
                return (204, null);
            case "logs":
                return (200, JsonValue.Create("a log without frames"));
            default:
                _containers.Remove(name);
                return method == "DELETE" ? (204, null) : (400, null);
        }
    }
}
