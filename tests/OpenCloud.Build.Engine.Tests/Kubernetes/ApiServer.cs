using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>
/// The part of Kubernetes' API that kubectl uses for engines: discovery, get, list, apply on the server, patch, scale, delete, and exec over WebSocket, whose
/// <c>buildctl dial-stdio</c> is a connection to a real engine (kubernetes/kubernetes, api/openapi-spec; kubernetes/api).
/// </summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private static readonly (string Group, string Resource, string Kind)[] Resources =
    [
        ("", "namespaces", "Namespace"), ("", "pods", "Pod"), ("", "services", "Service"), ("", "secrets", "Secret"),
        ("", "persistentvolumeclaims", "PersistentVolumeClaim"), ("apps", "deployments", "Deployment"), ("apps", "statefulsets", "StatefulSet"),
        ("policy", "poddisruptionbudgets", "PodDisruptionBudget"),
    ];

    private readonly WebApplication _server;
    private readonly Func<Task<Stream>> _engine;
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _pods = new(StringComparer.Ordinal);

    private ApiServer(WebApplication server, Func<Task<Stream>> engine) => (_server, _engine) = (server, engine);

    public ClusterObjects Objects { get; } = new();

    /// <summary>The requests: method and path.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The conflicts that were answered: the messages.</summary>
    public ConcurrentQueue<string> Conflicts { get; } = new();

    /// <summary>The pods of the commands so far, one for each.</summary>
    public ConcurrentQueue<string> Commands { get; } = new();

    /// <summary>What the user may not do: a verb and a resource.</summary>
    public string? Forbidden { get; set; }

    public string Address => _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Starts it on loopback.</summary>
    /// <param name="engine">Connects to the engine of every pod.</param>
    public static async Task<ApiServer> StartAsync(Func<Task<Stream>> engine)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        ApiServer server = new(app, engine);
        app.UseWebSockets();
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>Evicts a pod: its kubelet kills it.</summary>
    public void Evict(string space, string pod)
    {
        Objects.ChangePod(space, pod, static p => p["status"] = new JsonObject { ["phase"] = "Failed", ["reason"] = "Evicted", ["message"] = "The node was low on resource: memory." });
        _pods[$"{space}/{pod}"].Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (CancellationTokenSource pod in _pods.Values)
        {
            await pod.CancelAsync();
        }

        await _server.StopAsync();
        await _server.DisposeAsync();
    }

    private static JsonObject Status(int code, string reason, string message) =>
        new() { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Failure", ["message"] = message, ["reason"] = reason, ["code"] = code };

    private static Task RefuseAsync(HttpContext context, int code, string reason, string message) => WriteAsync(context, Status(code, reason, message), code);

    private static async Task WriteAsync(HttpContext context, JsonNode answer, int code = 200)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString());
    }

    private static JsonObject Discovery(string path) => path switch
    {
        "/api" => new JsonObject { ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1") },
        "/apis" => new JsonObject
        {
            ["kind"] = "APIGroupList",
            ["apiVersion"] = "v1",
            ["groups"] = new JsonArray([.. Resources.Select(static r => r.Group).Where(static g => g.Length > 0).Distinct().Select(static g => new JsonObject
            {
                ["name"] = g,
                ["versions"] = new JsonArray(new JsonObject { ["groupVersion"] = g + "/v1", ["version"] = "v1" }),
                ["preferredVersion"] = new JsonObject { ["groupVersion"] = g + "/v1", ["version"] = "v1" },
            })]),
        },
        _ => ResourceList(path == "/api/v1" ? "" : path.Split('/')[2]),
    };

    private static JsonObject ResourceList(string group)
    {
        JsonArray list = [];
        foreach ((_, string resource, string kind) in Resources.Where(r => r.Group == group))
        {
            list.Add(new JsonObject { ["name"] = resource, ["singularName"] = kind.ToLowerInvariant(), ["namespaced"] = resource != "namespaces", ["kind"] = kind, ["verbs"] = new JsonArray("create", "delete", "get", "list", "patch", "update", "watch") });
            if (group == "apps")
            {
                list.Add(new JsonObject { ["name"] = resource + "/scale", ["singularName"] = "", ["namespaced"] = true, ["group"] = "autoscaling", ["version"] = "v1", ["kind"] = "Scale", ["verbs"] = new JsonArray("get", "patch", "update") });
            }
        }

        return new JsonObject { ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = group.Length == 0 ? "v1" : group + "/v1", ["resources"] = list };
    }

    private static JsonObject Scale(string space, string name, JsonObject workload) => new()
    {
        ["kind"] = "Scale",
        ["apiVersion"] = "autoscaling/v1",
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = space, ["resourceVersion"] = workload["metadata"]!["resourceVersion"]!.DeepClone() },
        ["spec"] = new JsonObject { ["replicas"] = workload["spec"]!["replicas"]!.DeepClone() },
        ["status"] = new JsonObject { ["replicas"] = workload["spec"]!["replicas"]!.DeepClone() },
    };

    private async Task AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        Requests.Enqueue($"{context.Request.Method} {path}");
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path is "/api" or "/apis" or "/api/v1" || (parts is ["apis", _, "v1"] && Resources.Any(r => r.Group == parts[1])))
        {
            await WriteAsync(context, Discovery(path));
            return;
        }

        if (path == "/version")
        {
            await WriteAsync(context, new JsonObject { ["major"] = "1", ["minor"] = "36", ["gitVersion"] = "v1.36.0" });
            return;
        }

        if (path == "/openapi/v3" || path.StartsWith("/openapi/v3/", StringComparison.Ordinal))
        {
            await WriteAsync(context, OpenApi.Answer(path, Resources));
            return;
        }

        string[] rest = parts is ["api", "v1", ..] ? parts[2..] : parts is ["apis", _, "v1", ..] ? parts[3..] : [];
        string? space = rest is ["namespaces", string given, _, ..] ? given : null;
        string[] target = space is null ? rest : rest[2..];
        if (target.Length == 0 || !Resources.Any(r => r.Resource == target[0]))
        {
            await RefuseAsync(context, 404, "NotFound", "the server could not find the requested resource");
            return;
        }

        string verb = target.Length > 2 ? target[2] : context.Request.Method.ToLowerInvariant();
        if (Forbidden == $"{verb} {target[0]}")
        {
            await RefuseAsync(context, 403, "Forbidden", $"{target[0]} is forbidden: User \"test\" cannot {verb} resource \"{target[0]}\" in API group \"\" in the namespace \"{space}\"");
            return;
        }

        await AnswerAsync(context, space, target);
    }

    private async Task AnswerAsync(HttpContext context, string? space, string[] target)
    {
        (string group, string resource, string kind) = Resources.First(r => r.Resource == target[0]);
        string version = group.Length == 0 ? "v1" : group + "/v1";
        if (resource == "namespaces")
        {
            await WriteAsync(context, List(version, kind, ClusterObjects.Namespaces.Select(static n => new JsonObject { ["metadata"] = new JsonObject { ["name"] = n } })));
            return;
        }

        IQueryCollection query = context.Request.Query;
        if (target.Length == 1)
        {
            await WriteAsync(context, List(version, kind, Objects.List(space, resource, query["labelSelector"].FirstOrDefault(), query["fieldSelector"].FirstOrDefault())));
            return;
        }

        string name = target[1];
        JsonObject? found = Objects.Find(space!, resource, name);
        if (found is null && context.Request.Method != "PATCH")
        {
            await RefuseAsync(context, 404, "NotFound", $"{resource}{(group.Length == 0 ? "" : "." + group)} \"{name}\" not found");
            return;
        }

        switch (context.Request.Method, target.ElementAtOrDefault(2))
        {
            case (_, "exec"):
                await ExecAsync(context, space!, name);
                break;
            case ("GET", "scale"):
                await WriteAsync(context, Scale(space!, name, found!));
                break;
            case ("GET", _):
                await WriteAsync(context, found!);
                break;
            case ("DELETE", _):
                Objects.Delete(space!, resource, name);
                await WriteAsync(context, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = new JsonObject { ["name"] = name, ["kind"] = resource } });
                break;
            case ("PATCH" or "PUT", string sub):
                await PatchAsync(context, space!, resource, name, sub);
                break;
            case ("PATCH", null):
                await PatchAsync(context, space!, resource, name, null);
                break;
            default:
                await RefuseAsync(context, 405, "MethodNotAllowed", "not supported");
                break;
        }
    }

    private static JsonObject List(string version, string kind, IEnumerable<JsonObject> items) => new()
    {
        ["kind"] = kind + "List",
        ["apiVersion"] = version,
        ["metadata"] = new JsonObject { ["resourceVersion"] = "1" },
        ["items"] = new JsonArray([.. items.Select(item =>
        {
            item["kind"] = kind;
            item["apiVersion"] = version;
            return item;
        })]),
    };

    private async Task PatchAsync(HttpContext context, string space, string resource, string name, string? subresource)
    {
        ObjectPatch patch = await ObjectPatch.ReadAsync(context.Request, subresource);
        if (!ClusterObjects.Namespaces.Contains(space))
        {
            await RefuseAsync(context, 404, "NotFound", $"namespaces \"{space}\" not found");
            return;
        }

        (JsonObject? result, bool isNew, IReadOnlyList<FieldConflict> conflicts) = Objects.Patch(space, resource, name, patch);
        if (result is null)
        {
            string message = FieldConflict.Message(conflicts);
            Conflicts.Enqueue(message);
            JsonObject refusal = Status(409, "Conflict", message);
            refusal["details"] = new JsonObject { ["causes"] = new JsonArray([.. conflicts.Select(static c => new JsonObject { ["reason"] = "FieldManagerConflict", ["message"] = $"conflict with {c.Manager}", ["field"] = c.Path })]) };
            await WriteAsync(context, refusal, 409);
            return;
        }

        await WriteAsync(context, subresource is null ? result : Scale(space, name, result), isNew ? 201 : 200);
    }

    private async Task ExecAsync(HttpContext context, string space, string name)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await RefuseAsync(context, 400, "BadRequest", "Upgrade request required");
            return;
        }

        Assert.Contains(ExecChannel.Protocol, context.WebSockets.WebSocketRequestedProtocols);
        using System.Net.WebSockets.WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(ExecChannel.Protocol);
        ExecChannel channel = new(socket);
        if (!context.Request.Query["command"].SequenceEqual(["buildctl", "dial-stdio"]))
        {
            await channel.FailAsync("exec: not found\n", 127);
            return;
        }

        Commands.Enqueue(name);
        Objects.Busy(space, name, 1);
        try
        {
            Stream engine = await _engine();
            await using (engine)
            {
                await channel.DialAsync(engine, _pods.GetOrAdd($"{space}/{name}", static _ => new CancellationTokenSource()).Token);
            }
        }
        finally
        {
            Objects.Busy(space, name, -1);
        }
    }
}
