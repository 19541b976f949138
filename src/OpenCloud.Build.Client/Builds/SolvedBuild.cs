using System.Text.Json.Nodes;
using Google.Protobuf;
using OpenCloud.Build.Client.Protocol.Solver;
using OpenCloud.Build.Client.Text;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Builds;

/// <summary>The result of a build as the input of others: its definition, for each platform, and the configuration of its image.</summary>
/// <remarks>Source: buildx, build/build.go (waitContextDeps), and moby/buildkit, frontend/dockerui/namedcontext.go: the context <c>input:</c>.</remarks>
internal sealed class SolvedBuild(Gateway.Result result)
{
    private const string Config = "containerimage.config";

    private readonly TaskCompletionSource<bool> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The definitions: one with an empty platform, or one for each platform. Null where the result is empty.</summary>
    public IReadOnlyList<(string Platform, Definition? Definition)> Definitions { get; } = result.ResultCase == Gateway.Result.ResultOneofCase.Refs
        ? [.. result.Refs.Refs.Select(static r => (r.Key, r.Value.Def))]
        : [(string.Empty, result.Ref?.Def)];

    /// <summary>Completes when its steps have ended: whether they have succeeded. What becomes of its outputs after that does not matter.</summary>
    public Task<bool> Outcome => _outcome.Task;

    /// <summary>The parts of local directories that it is made of, as the engine distinguishes them.</summary>
    public IEnumerable<ByteString> LocalSources => Definitions.SelectMany(static d => d.Definition?.Def ?? []).Where(static o => o.Span.IndexOf("local://"u8) >= 0);

    /// <summary>Takes the end of its steps; only the first call counts.</summary>
    public void End(bool isBuilt) => _outcome.TrySetResult(isBuilt);

    /// <summary>Makes the result a named context of a build.</summary>
    /// <param name="request">The build.</param>
    /// <param name="attribute">The attribute of the context, <c>context:name</c>.</param>
    /// <param name="target">The name of the build that made the result.</param>
    public void AddTo(Gateway.SolveRequest request, string attribute, string target)
    {
        foreach ((string platform, Definition? definition) in Definitions)
        {
            string suffix = platform.Length == 0 ? string.Empty : "::" + platform;
            string input = target + suffix;

            // A definition without operations is an empty file system.
            request.FrontendInputs[input] = definition ?? new Definition();
            request.FrontendOpt[attribute + suffix] = "input:" + input;
            if (result.Metadata.TryGetValue(platform.Length == 0 ? Config : $"{Config}/{platform}", out ByteString? config))
            {
                request.FrontendOpt["input-metadata:" + input] = new JsonObject { [Config] = Convert.ToBase64String(config.Span) }.ToJsonString(JsonForm.Compact);
            }
        }
    }
}
