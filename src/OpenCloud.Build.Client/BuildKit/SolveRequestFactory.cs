using OpenCloud.Build.Client.Oci;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>
/// Says a build in the words of <c>Control.Solve</c>. The frontend's attribute names are those of moby/buildkit,
/// frontend/dockerui/config.go and context.go; the exporters' those of exporter/containerimage.
/// </summary>
internal static class SolveRequestFactory
{
    private const string Frontend = "dockerfile.v0";

    /// <summary>Makes the request for a build that the given engine is to run.</summary>
    public static SolveRequest Create(ImageBuildRequest build, EngineProfile engine, string buildReference, string sessionId)
    {
        SolveRequest request = new()
        {
            Ref = buildReference,
            Session = sessionId,
            Frontend = Frontend,
            Cache = new CacheOptions(),
        };

        AddFrontendAttributes(build, request);
        AddExporter(build, engine, request);
        return request;
    }

    /// <summary>The references in full, as the image will carry them.</summary>
    public static IReadOnlyList<string> References(ImageBuildRequest build)
        => [.. build.Tags.Select(static t => ImageReference.Parse(t).WithDefaultTag().ToString()).Distinct(StringComparer.Ordinal)];

    private static void AddFrontendAttributes(ImageBuildRequest build, SolveRequest request)
    {
        request.FrontendAttrs["filename"] = BuildContext.DockerfileNameOf(build);
        foreach ((string name, string value) in build.BuildArguments)
        {
            request.FrontendAttrs["build-arg:" + name] = value;
        }

        foreach ((string name, string value) in build.Labels)
        {
            request.FrontendAttrs["label:" + name] = value;
        }

        if (build.Target is { Length: > 0 } target)
        {
            request.FrontendAttrs["target"] = target;
        }

        if (build.Platforms.Count > 0)
        {
            request.FrontendAttrs["platform"] = string.Join(',', build.Platforms);
        }

        if (build.NoCache)
        {
            // An empty list of stages means all of them.
            request.FrontendAttrs["no-cache"] = string.Empty;
        }

        if (build.Pull)
        {
            request.FrontendAttrs["image-resolve-mode"] = "pull";
        }
    }

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

        request.Exporters.Add(exporter);

        // Before v0.14 a daemon reads the one exporter it knows from here and skips the list.
        request.ExporterDeprecated = exporter.Type;
        request.ExporterAttrsDeprecated.Add(exporter.Attrs);
    }
}
