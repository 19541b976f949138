using System.Globalization;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Builds;

/// <summary>Translates a build request to attributes of the Dockerfile frontend (moby/buildkit, frontend/dockerui/config.go).</summary>
internal static class FrontendAttributes
{
    // buildx has the same switch.
    private const string GitInfoVariable = "BUILDX_GIT_INFO";

    public static void AddTo(IDictionary<string, string> attributes, ImageBuildRequest build, EngineProfile engine, BuildInputs inputs)
    {
        foreach ((string name, string value) in inputs.Attributes)
        {
            attributes[name] = value;
        }

        AddValues(attributes, build, engine);
        AddDirectory(attributes, build);
        AddExecution(attributes, build.Execution, engine);
        foreach (ImageAttestation attestation in build.Attestations)
        {
            attributes["attest:" + attestation.Type] = attestation.ToOption();
        }

        if (build.Attestations.Any(static a => a.Type == ImageAttestation.Provenance) && Directory.Exists(build.ContextPath)
            && Environment.GetEnvironmentVariable(GitInfoVariable) is not ("false" or "0"))
        {
            foreach ((string name, string value) in GitSource.Of(build.ContextPath)?.Attributes() ?? [])
            {
                attributes[name] = value;
            }
        }
    }

    // A build whose image has no name, or whose engine keeps none, is known by its directory in the history. A provenance would publish it.
    private static void AddDirectory(IDictionary<string, string> attributes, ImageBuildRequest build)
    {
        if (Directory.Exists(build.ContextPath) && !build.Attestations.Any(static a => a.Type == ImageAttestation.Provenance)
            && Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(build.ContextPath))) is { Length: > 0 } name)
        {
            attributes[GitSource.ContextDirectory] = name;
        }
    }

    private static void AddValues(IDictionary<string, string> attributes, ImageBuildRequest build, EngineProfile engine)
    {
        if (build.SourceDate is { } date)
        {
            // The user's own value has priority. The daemon passes it on to its exporters (exporter/util/epoch).
            attributes["build-arg:" + SourceDate.ArgumentName] = date.Text;
        }

        foreach ((string name, string value) in DockerProxies.For(build, engine.Address))
        {
            attributes["build-arg:" + name] = value;
        }

        foreach ((string name, string value) in build.BuildArguments)
        {
            attributes["build-arg:" + name] = value;
        }

        foreach ((string name, string value) in build.Labels)
        {
            attributes["label:" + name] = value;
        }

        if (build.Target is { Length: > 0 } target)
        {
            attributes["target"] = target;
        }

        if (build.Platforms.Count > 0)
        {
            attributes["platform"] = string.Join(',', build.Platforms);
        }

        if (build.Pull)
        {
            attributes["image-resolve-mode"] = "pull";
        }

        if (build.NoCache)
        {
            // An empty list of stages means all of them.
            attributes["no-cache"] = string.Empty;
        }
        else if (build.Execution.NoCacheStages.Count > 0)
        {
            attributes["no-cache"] = string.Join(',', build.Execution.NoCacheStages);
        }
    }

    private static void AddExecution(IDictionary<string, string> attributes, BuildExecution execution, EngineProfile engine)
    {
        if (execution.Network != BuildNetwork.Default)
        {
            attributes["force-network-mode"] = execution.Network == BuildNetwork.Host ? "host" : "none";
        }

        if (execution.ExtraHosts.Count > 0)
        {
            attributes["add-hosts"] = CommaSeparated.Join(execution.ExtraHosts.Select(h => h.Resolve(engine)));
        }

        if (execution.SharedMemorySize is { } size)
        {
            attributes["shm-size"] = size.ToString(CultureInfo.InvariantCulture);
        }

        if (execution.Limits.Count > 0)
        {
            attributes["ulimit"] = CommaSeparated.Join(execution.Limits.Select(static l => l.ToString()));
        }

        if (execution.ControlGroupParent is { Length: > 0 } parent)
        {
            attributes["cgroup-parent"] = parent;
        }
    }
}
