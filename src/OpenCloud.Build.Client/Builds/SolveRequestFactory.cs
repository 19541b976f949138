using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// Translates a build request to a <c>Control.Solve</c> request. The exporters' attribute names are those of moby/buildkit,
/// exporter/containerimage.
/// </summary>
internal static class SolveRequestFactory
{
    internal const string Frontend = "dockerfile.v0";

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

        // A daemon before v0.13 reads its one exporter from here and ignores the list.
        request.ExporterDeprecated = request.Exporters[0].Type;
        request.ExporterAttrsDeprecated.Add(request.Exporters[0].Attrs);
        return request;
    }
}
