using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>A change of an object: an apply, a JSON patch, or a number of pods for its subresource <c>scale</c>.</summary>
internal sealed record ObjectPatch(string Type, JsonNode Body, FieldManager Manager, bool Forces, bool IsDryRun)
{
    public bool IsApply => Manager.Operation == FieldManager.Apply;

    public static async Task<ObjectPatch> ReadAsync(HttpRequest request, string? subresource)
    {
        JsonNode body = await JsonNode.ParseAsync(request.Body) ?? throw new JsonException();
        string type = request.ContentType!.Split(';')[0];
        bool isApply = type == "application/apply-patch+yaml";
        string? given = request.Query["fieldManager"].FirstOrDefault();
        if (isApply)
        {
            Assert.Equal("opencloud.build", given);
        }

        // Without a name, a manager has that of its program (kubernetes/apiserver, pkg/endpoints/handlers/create.go).
        string name = given ?? request.Headers.UserAgent.ToString().Split('/')[0];
        return new ObjectPatch(type, body, new FieldManager(name, isApply ? FieldManager.Apply : FieldManager.Update, subresource), request.Query["force"] == "true", request.Query["dryRun"] == "All");
    }

    public void Change(JsonObject found)
    {
        if (Manager.Subresource is not null)
        {
            Assert.Equal("scale", Manager.Subresource);
            found["spec"]!["replicas"] = Body["spec"]!["replicas"]!.GetValue<int>();
        }
        else if (Type == "application/json-patch+json")
        {
            ChangeSteps(found);
        }
        else
        {
            ChangeFields(found);
        }
    }

    private void ChangeSteps(JsonObject found)
    {
        foreach (JsonNode? step in Body.AsArray())
        {
            JsonNode at = found;
            string[] way = step!["path"]!.GetValue<string>().Trim('/').Split('/');
            foreach (string word in way[..^1])
            {
                at = at is JsonArray list ? list[int.Parse(word, CultureInfo.InvariantCulture)]! : at[word]!;
            }

            if (step["op"]!.GetValue<string>() == "test")
            {
                Assert.Equal(step["value"]!.ToJsonString(), at[way[^1]]!.ToJsonString());
            }
            else
            {
                at[way[^1]] = step["value"]!.DeepClone();
            }
        }
    }

    private void ChangeFields(JsonObject found)
    {
        foreach ((string field, JsonNode? value) in Body.AsObject())
        {
            if (field == "metadata")
            {
                foreach ((string part, JsonNode? content) in value!.AsObject())
                {
                    found["metadata"]![part] = content?.DeepClone();
                }
            }
            else
            {
                found[field] = value?.DeepClone();
            }
        }
    }
}
