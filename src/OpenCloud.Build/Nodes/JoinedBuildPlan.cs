using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Nodes;

/// <summary>Where the joined result of several nodes goes.</summary>
/// <param name="Archives">The OCI archives and layouts to write.</param>
/// <param name="Pushed">The references to push.</param>
/// <param name="IsInsecure">Whether the registry may be without TLS.</param>
internal sealed record JoinedBuildPlan(IReadOnlyList<BuildOutput> Archives, IReadOnlyList<string> Pushed, bool IsInsecure)
{
    /// <summary>Whether every output is an image that goes to a registry or into an OCI archive or layout.</summary>
    public static bool CanJoin(ImageBuildRequest request) =>
        // An annotation of the index belongs to none of its parts.
        !request.Annotations.Any(static a => a.Level is AnnotationLevel.Index or AnnotationLevel.IndexDescriptor) && !request.Outputs.Any(static o => o.Attributes.Keys.Any(static k => k.StartsWith("annotation", StringComparison.Ordinal)))
        && (request.Push || request.Outputs.Count > 0) && request.Outputs.All(static o => (o.Type == BuildOutput.Oci && o.Destination is { Length: > 0 }) || Pushes(o));

    public static JoinedBuildPlan Of(ImageBuildRequest request)
    {
        IEnumerable<BuildOutput> pushes = request.Outputs.Where(Pushes);
        return new JoinedBuildPlan(
            [.. request.Outputs.Where(static o => o.Type == BuildOutput.Oci)],
            [.. (request.Push ? request.Tags : []).Concat(pushes.SelectMany(o => o.Attributes.TryGetValue("name", out string? names) ? names.Split(',') : (IEnumerable<string>)request.Tags)).Distinct(StringComparer.Ordinal)],
            pushes.Any(static o => o.Attributes.TryGetValue("registry.insecure", out string? value) && value == "true"));
    }

    /// <summary>The request of some platforms, whose image goes into an archive.</summary>
    public static ImageBuildRequest PartOf(ImageBuildRequest request, IReadOnlyList<string> platforms, string archive)
    {
        // What concerns the bytes of the image stays; its names and places are the joined image's.
        Dictionary<string, string> attributes = new(StringComparer.Ordinal);
        foreach ((string name, string value) in request.Outputs.SelectMany(static o => o.Attributes))
        {
            if (name is not ("name" or "tar" or "push" or "push-by-digest" or "name-canonical" or "registry.insecure" or "unpack" or "store" or "dangling-name-prefix" or "dest"))
            {
                attributes[name] = value;
            }
        }

        return request with
        {
            Platforms = platforms,
            Push = false,
            Tags = [],
            Outputs = [new BuildOutput { Type = BuildOutput.Oci, Destination = archive, Attributes = attributes }],
        };
    }

    // A push by digest has no tag, and the joined image is pushed by one.
    private static bool Pushes(BuildOutput output) =>
        !output.Attributes.ContainsKey("push-by-digest")
        && (output.Type == BuildOutput.Registry || (output.Type == BuildOutput.Image && output.Attributes.TryGetValue("push", out string? push) && push == "true"));
}
