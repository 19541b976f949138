using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Builds;

/// <summary>Says what a build would do and where, for -WhatIf and -Confirm.</summary>
internal static class BuildPlan
{
    public static string Describe(CheckedBuild build, bool isDaemonless)
    {
        ImageBuildRequest request = build.Request;
        IReadOnlyList<string> names = ImageReference.Familiar(request.Tags);
        List<string> parts = [$"Build {(names.Count == 0 ? "an untagged image" : string.Join(", ", names))}"];
        if (request.Target is not null)
        {
            parts[0] += $", target {request.Target}";
        }

        if (request.Platforms.Count > 0)
        {
            parts[0] += $", for {string.Join(", ", request.Platforms)}";
        }

        parts[0] += isDaemonless ? build.Target is null ? " on an engine of its own" : " on an engine of their own" : build.Address is null ? build.Engine is { } named ? $" on the default engine '{named.Name}'" : " on the default engine" : build.Address.Name is { } name ? $" on the engine '{name}'" : $" on {build.Address}";
        if (request.DependsOn.Count > 0)
        {
            parts.Add($"use the result of {string.Join(", ", request.DependsOn)}");
        }

        if (request.Push)
        {
            parts.Add($"push {string.Join(", ", request.Tags)}");
        }

        foreach (BuildOutput output in request.Outputs)
        {
            bool pushes = output.Type == BuildOutput.Registry || (output.Attributes.TryGetValue("push", out string? push) && push == "true");
            parts.Add(output.Destination is null
                ? pushes ? $"push {(output.Attributes.TryGetValue("name", out string? given) ? given : string.Join(", ", request.Tags))}" : $"output {output.Type}"
                : $"write {output.Type} to {output.Destination}");
        }

        foreach (BuildCache cache in request.CacheTo)
        {
            parts.Add($"write the cache to {cache.Type}{(cache.Attributes.TryGetValue("ref", out string? place) || cache.Attributes.TryGetValue("dest", out place) ? $" {place}" : string.Empty)}");
        }

        parts.AddRange(new[] { build.LogPath, build.MetadataPath, build.ImageIdPath }.OfType<string>().Select(static file => $"write {file}"));
        return string.Join("; ", parts);
    }
}
