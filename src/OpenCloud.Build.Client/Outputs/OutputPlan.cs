using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>One exporter of a build, as the engine gets it. <c>Output</c> is null for the image of a build that names no output.</summary>
internal sealed record PlannedOutput(string Type, IReadOnlyDictionary<string, string> Attributes, BuildOutput? Output)
{
    /// <summary>The attribute of a local output that keeps extended attributes of users. The engine always sends them, so it does not get this one.</summary>
    public const string KeepAttributes = "xattrs";

    /// <summary>Whether it becomes a directory with an OCI layout, through the session's content store.</summary>
    public bool IsLayout => Output is { Type: BuildOutput.Oci or BuildOutput.Docker } && Output.Attributes.TryGetValue("tar", out string? tar) && tar is "false" or "0" or "f";

    public bool IsFile => !IsLayout && Output is { Type: BuildOutput.Oci or BuildOutput.Docker or BuildOutput.Tar } && Type == Output.Type;

    public bool IsDirectory => Type == BuildOutput.Local;
}

/// <summary>Turns the outputs of a build into exporters, and refuses impossible outputs before anything is sent.</summary>
/// <remarks>
/// The exporters: moby/buildkit, client/exporters.go and exporter; the Docker Engine's own, <c>moby</c>, puts an image where its users look.
/// </remarks>
internal static class OutputPlan
{
    private const string Push = "push";

    /// <exception cref="ImageBuildException">An output is impossible; the message says why.</exception>
    public static IReadOnlyList<PlannedOutput> Create(ImageBuildRequest build, EngineProfile engine)
    {
        if (build.Outputs.Any(static o => o.Type == BuildOutput.CacheOnly))
        {
            return build.Outputs.Count == 1 && !build.Push
                ? []
                : throw Refuse(engine, "The output cacheonly cannot be combined with another output or with a push.");
        }

        List<PlannedOutput> plan = [.. build.Outputs.Select(output => Plan(output, build, engine))];
        if (plan.Count == 0 && !build.Push && HasUse(build, engine))
        {
            plan.Add(new PlannedOutput(ImageType(engine), ImageAttributes(new Dictionary<string, string>(), build, engine), null));
        }

        if (build.Push)
        {
            AddPush(plan, build, engine);
        }

        if (plan.FirstOrDefault(static p => IsTrue(p.Attributes, Push) && !p.Attributes.ContainsKey("name")) is not null)
        {
            throw Refuse(engine, "A push requires a tag with a registry, for example registry.local/app:1.");
        }

        if (plan.Count(static p => p.IsLayout) > 1)
        {
            throw Refuse(engine, "Only one output can be an OCI layout in a directory: the engine cannot distinguish several.");
        }

        return plan;
    }

    /// <summary>
    /// Whether an image without a named output is of use. Making one takes time, because all of its layers are compressed. A Docker Engine keeps
    /// images without a tag, as <c>docker build</c> does; elsewhere nobody finds them.
    /// </summary>
    internal static bool HasUse(ImageBuildRequest build, EngineProfile engine) =>
        engine.IsDockerEngine
        || (engine.KeepsImages && build.Tags.Count > 0)
        || build.NeedsDigest
        || build.Attestations.Count > 0
        || build.CacheTo.Any(static c => c.Type == "inline");

    public static void Apply(IReadOnlyList<PlannedOutput> plan, SolveRequest request)
    {
        foreach (PlannedOutput output in plan)
        {
            Exporter exporter = new() { Type = output.Type };
            exporter.Attrs.Add(output.Attributes.Where(a => !output.IsDirectory || a.Key != PlannedOutput.KeepAttributes).ToDictionary(StringComparer.Ordinal));
            request.Exporters.Add(exporter);
        }
    }

    internal static bool IsTrue(IReadOnlyDictionary<string, string> attributes, string name)
        => attributes.GetValueOrDefault(name) is "true" or "1" or "t" or "T" or "TRUE" or "True";

    internal static ImageBuildException Refuse(EngineProfile engine, string message) => new(BuildFailureKind.InvalidRequest, message, null)
    {
        Address = engine.Address.ToString(),
        Ref = string.Empty,
    };

    private static string ImageType(EngineProfile engine) => engine.IsDockerEngine ? "moby" : BuildOutput.Image;

    private static PlannedOutput Plan(BuildOutput output, ImageBuildRequest build, EngineProfile engine)
    {
        string type = output.Type;
        bool hasPlace = output.Destination is { Length: > 0 };
        switch (type)
        {
            case BuildOutput.Image or BuildOutput.Registry or "moby":
                if (hasPlace)
                {
                    throw Refuse(engine, $"An output of type {type} has no destination on this machine; for an archive, use oci or docker.");
                }

                Dictionary<string, string> attributes = ImageAttributes(output.Attributes, build, engine);
                if (type == BuildOutput.Registry)
                {
                    attributes[Push] = "true";
                }

                return new PlannedOutput(ImageType(engine), attributes, output);
            case BuildOutput.Docker when !hasPlace:
                return engine.IsDockerEngine
                    ? new PlannedOutput("moby", ImageAttributes(output.Attributes, build, engine), output)
                    : throw Refuse(engine, $"The engine {engine.Address} is not a Docker Engine and cannot load a docker output; set a destination file.");
            case BuildOutput.Docker when build.Platforms.Count > 1:
                throw Refuse(engine, "A docker archive contains one platform; for several platforms, use an oci output.");
            case BuildOutput.Oci or BuildOutput.Docker:
                if (!hasPlace)
                {
                    throw Refuse(engine, "An oci output requires a destination: a file, or with tar=false a directory.");
                }

                Dictionary<string, string> named = new(output.Attributes, StringComparer.Ordinal);
                AddNames(named, build);
                return new PlannedOutput(type, named, output);
            case BuildOutput.Tar or BuildOutput.Local:
                return hasPlace
                    ? CheckRoot(new PlannedOutput(type, output.Attributes, output), engine)
                    : throw Refuse(engine, $"An output of type {type} requires a destination: a {(type == BuildOutput.Tar ? "file" : "directory")}.");
            default:
                // An engine may know more types than this client; they can have no destination here, since only the ones above send files.
                return hasPlace
                    ? throw Refuse(engine, $"An output of type '{type}' does not support a destination; only oci, docker, tar and local do.")
                    : new PlannedOutput(type, output.Attributes, output);
        }
    }

    private static PlannedOutput CheckRoot(PlannedOutput output, EngineProfile engine)
    {
        if (output.IsDirectory && output.Attributes.TryGetValue("mode", out string? mode) && mode is not ("copy" or "delete" or ""))
        {
            throw Refuse(engine, $"Invalid mode '{mode}' of a local output: use copy or delete.");
        }

        if (output.IsDirectory && output.Output!.Destination is BuildOutput.StandardOutput)
        {
            throw Refuse(engine, "A directory cannot be written to standard output; use a tar output.");
        }

        if (output.IsDirectory && File.Exists(output.Output!.Destination))
        {
            throw Refuse(engine, $"'{output.Output.Destination}' is a file; a local output requires a directory.");
        }

        return output;
    }

    private static Dictionary<string, string> ImageAttributes(IReadOnlyDictionary<string, string> given, ImageBuildRequest build, EngineProfile engine)
    {
        Dictionary<string, string> attributes = new(given, StringComparer.Ordinal);
        AddNames(attributes, build);
        if (engine.ContainerdNamespace is not null)
        {
            // Without its snapshot, an image in containerd's store cannot be run at once.
            attributes.TryAdd("unpack", "true");
        }

        return attributes;
    }

    private static void AddNames(Dictionary<string, string> attributes, ImageBuildRequest build)
    {
        IReadOnlyList<string> references = build.References;
        if (references.Count > 0)
        {
            attributes.TryAdd("name", string.Join(',', references));
        }
    }

    private static void AddPush(List<PlannedOutput> plan, ImageBuildRequest build, EngineProfile engine)
    {
        bool any = false;
        for (int i = 0; i < plan.Count; i++)
        {
            if (plan[i].Type is BuildOutput.Image or "moby")
            {
                any = true;
                plan[i] = plan[i] with { Attributes = new Dictionary<string, string>(plan[i].Attributes, StringComparer.Ordinal) { [Push] = "true" } };
            }
        }

        if (!any)
        {
            plan.Add(new PlannedOutput(
                ImageType(engine), new Dictionary<string, string>(ImageAttributes(new Dictionary<string, string>(), build, engine), StringComparer.Ordinal) { [Push] = "true" }, null));
        }
    }
}
