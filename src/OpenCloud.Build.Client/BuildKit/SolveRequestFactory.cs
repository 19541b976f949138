using OpenCloud.Build.Client.Oci;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>
/// Says a build in the words of <c>Control.Solve</c>. The exporters' attribute names are those of moby/buildkit, exporter/containerimage.
/// </summary>
internal static class SolveRequestFactory
{
    internal const string Frontend = "dockerfile.v0";

    /// <summary>Makes the request for a build that the given engine is to run.</summary>
    /// <param name="build">The build.</param>
    /// <param name="inputs">What of it comes from this machine.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="buildReference">The build's own id.</param>
    /// <param name="sessionId">The session that serves it.</param>
    public static SolveRequest Create(ImageBuildRequest build, BuildInputs inputs, EngineProfile engine, string buildReference, string sessionId)
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
        FrontendAttributes.AddTo(request.FrontendAttrs, build, inputs);
        AddExporter(build, engine, request);
        return request;
    }

    /// <summary>The references in full, as the image will carry them.</summary>
    public static IReadOnlyList<string> References(ImageBuildRequest build)
        => [.. build.Tags.Select(static t => ImageReference.Parse(t).WithDefaultTag().ToString()).Distinct(StringComparer.Ordinal)];

    private static void AddExporter(ImageBuildRequest build, EngineProfile engine, SolveRequest request)
    {
        // The Docker Engine's own exporter puts the image where its users look, with either of its stores.
        Exporter exporter = new() { Type = engine.IsDockerEngine ? "moby" : "image" };
        IReadOnlyList<string> references = References(build);
        if (references.Count > 0)
        {
            exporter.Attrs["name"] = string.Join(',', references);
        }

        if (engine.ContainerdNamespace is not null)
        {
            // Without its snapshot an image in containerd's store cannot be run at once.
            exporter.Attrs["unpack"] = "true";
        }

        ImageMetadata.AddTo(exporter, build);
        request.Exporters.Add(exporter);

        // Before v0.14 a daemon reads the one exporter it knows from here and skips the list.
        request.ExporterDeprecated = exporter.Type;
        request.ExporterAttrsDeprecated.Add(exporter.Attrs);
    }
}
