using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// Says a build in the words of <c>Control.Solve</c>. The exporters' attribute names are those of moby/buildkit, exporter/containerimage.
/// </summary>
internal static class SolveRequestFactory
{
    internal const string Frontend = "dockerfile.v0";

    /// <summary>Makes the request for a build that the given engine is to run.</summary>
    /// <param name="build">The build.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="inputs">What of it comes from this machine.</param>
    /// <param name="outputs">The exporters, as the engine is to be told of them.</param>
    /// <param name="buildReference">The build's own id.</param>
    /// <param name="sessionId">The session that serves it.</param>
    public static SolveRequest Create(ImageBuildRequest build, EngineProfile engine, BuildInputs inputs, IReadOnlyList<PlannedOutput> outputs, string buildReference, string sessionId)
    {
        SolveRequest request = new()
        {
            Ref = buildReference,
            Session = sessionId,
            Frontend = Frontend,
            Cache = new CacheOptions(),
            SourcePolicy = build.SourcePolicy?.Message,
        };

        request.Entitlements.Add(build.Execution.AllEntitlements);
        FrontendAttributes.AddTo(request.FrontendAttrs, build, engine, inputs);
        OutputPlan.Apply(outputs, request);
        foreach (Exporter exporter in request.Exporters)
        {
            ImageMetadata.AddTo(exporter, build);
        }

        if (request.Exporters.Count == 0)
        {
            return request;
        }

        // Before v0.13 a daemon reads the one exporter it knows from here and skips the list.
        request.ExporterDeprecated = request.Exporters[0].Type;
        request.ExporterAttrsDeprecated.Add(request.Exporters[0].Attrs);
        return request;
    }
}
