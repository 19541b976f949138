using System.Runtime.CompilerServices;
using Grpc.Core;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Workers;

namespace OpenCloud.Build.Client.Engines.Capabilities;

internal static class EngineInspector
{
    private static readonly Version SpaceLimitsVersion = new(0, 17);
    private static readonly Version SpaceLimitsDockerApi = new(1, 48);

    /// <summary>Collects the engine's information. A missing version is no error.</summary>
    public static async Task<BuildKitInfo> InspectAsync(Control.ControlClient control, EngineAddress address, string source, CancellationToken cancellationToken)
    {
        ListWorkersResponse workers = await control.ListWorkersAsync(new ListWorkersRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
        // The worker's version first, as in a build: two sources could give one engine two versions.
        BuildkitVersion? version = workers.Record.Select(static w => w.BuildkitVersion).FirstOrDefault(static v => SoundVersion(v?.Version) is not null)
            ?? await VersionAsync(control, cancellationToken).ConfigureAwait(false);
        return new BuildKitInfo
        {
            Address = address.ToString(),
            Source = source,
            IsDockerEngine = address.IsDocker,
            Version = Known(version?.Version),
            Revision = Known(version?.Revision),
            Package = Known(version?.Package),
            WorkerRecords = [.. workers.Record.Select(w => ToWorker(w, address, version?.Version))],
        };
    }

    /// <summary>
    /// Whether the engine supports the space limits that BuildKit 0.17 added. A version is unreliable (an embedded one may be empty or made
    /// up), so three sources are checked: the version if it is valid, whether a GC policy uses the newer limits, and for a Docker Engine its API
    /// version, which passes them on since 1.48.
    /// </summary>
    /// <returns>Null when none of them answers.</returns>
    public static async Task<bool?> KnowsSpaceLimitsAsync(BuildKitInfo info, EngineAddress address, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        if (info.WorkerRecords.Any(static w => w.GCPolicy.Any(static p => p.MaxUsedSpace > 0 || p.MinFreeSpace > 0)))
        {
            return true;
        }

        if (SoundVersion(info.Version) is { } version)
        {
            return version >= SpaceLimitsVersion;
        }

        if (!info.IsDockerEngine)
        {
            return null;
        }

        DockerEngineClient docker = new(address, options);
        await using ConfiguredAsyncDisposable disposal = docker.ConfigureAwait(false);
        return (await docker.GetFactsAsync(cancellationToken).ConfigureAwait(false)).Api >= SpaceLimitsDockerApi;
    }

    /// <summary>The version if valid: <c>v0.16.0-rc1</c> is 0.16, while <c>v0.0.0+unknown</c> is null.</summary>
    internal static Version? SoundVersion(string? text)
    {
        string digits = (text ?? string.Empty).TrimStart('v').Split('-', '+')[0];
        return Version.TryParse(digits, out Version? version) && version > new Version(0, 0, 0) && version.Major < 20 ? version : null;
    }

    private static string? Known(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static async Task<BuildkitVersion?> VersionAsync(Control.ControlClient control, CancellationToken cancellationToken)
    {
        try
        {
            InfoResponse info = await control.InfoAsync(new InfoRequest(), cancellationToken: cancellationToken).ConfigureAwait(false);
            return info.BuildkitVersion is { Version.Length: > 0 } version && SoundVersion(version.Version) is not null ? version : null;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            return null;
        }
    }

    /// <summary>Reads a worker; one without a valid version gets that of its engine, or none.</summary>
    internal static BuildKitWorker ToWorker(WorkerRecord worker, EngineAddress address, string? version) => new()
    {
        Id = worker.Id,
        Address = address.ToString(),
        Version = Known(SoundVersion(worker.BuildkitVersion?.Version) is null ? version : worker.BuildkitVersion!.Version),
        Platforms = [.. worker.Platforms.Select(static p => p.Variant.Length > 0 ? $"{p.Os}/{p.Architecture}/{p.Variant}" : $"{p.Os}/{p.Architecture}")],
        Labels = new SortedDictionary<string, string>(worker.Labels, StringComparer.Ordinal),
        GCPolicy = [.. worker.GcPolicy.Select(static p => new BuildCachePolicy(
            p.All, string.Join(" or ", p.Filters), TimeSpan.FromTicks(p.KeepDuration / TimeSpan.NanosecondsPerTick), p.ReservedSpace, p.MaxUsedSpace, p.MinFreeSpace))],
    };
}
