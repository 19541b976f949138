using System.Text.Json.Nodes;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>
/// As much of the OpenAPI documents as kubectl reads: that the server itself validates fields (kubernetes/kubectl, pkg/cmd/util: the parameter
/// <c>fieldValidation</c> of PATCH).
/// </summary>
internal static class OpenApi
{
    public static JsonNode Answer(string path, IReadOnlyList<(string Group, string Resource, string Kind)> resources)
    {
        string[] groups = [.. resources.Select(static r => r.Group).Distinct()];
        if (path == "/openapi/v3")
        {
            JsonObject paths = [];
            foreach (string group in groups)
            {
                string place = Place(group);
                paths[place] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{place}?hash=1" };
            }

            return new JsonObject { ["paths"] = paths };
        }

        JsonObject operations = [];
        foreach ((string group, string resource, string kind) in resources.Where(r => path == "/openapi/v3/" + Place(r.Group)))
        {
            operations[$"/{Place(group)}/namespaces/{{namespace}}/{resource}/{{name}}"] = new JsonObject
            {
                ["patch"] = new JsonObject
                {
                    ["parameters"] = new JsonArray(Parameter("fieldValidation"), Parameter("dryRun"), Parameter("fieldManager"), Parameter("force")),
                    ["responses"] = new JsonObject(),
                    ["x-kubernetes-action"] = "patch",
                    ["x-kubernetes-group-version-kind"] = new JsonObject { ["group"] = group, ["version"] = "v1", ["kind"] = kind },
                },
            };
        }

        return new JsonObject { ["openapi"] = "3.0.0", ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = "v1.36.0" }, ["paths"] = operations, ["components"] = new JsonObject { ["schemas"] = new JsonObject() } };
    }

    private static string Place(string group) => group.Length == 0 ? "api/v1" : $"apis/{group}/v1";

    private static JsonObject Parameter(string name) => new() { ["name"] = name, ["in"] = "query", ["schema"] = new JsonObject { ["type"] = "string" } };
}
