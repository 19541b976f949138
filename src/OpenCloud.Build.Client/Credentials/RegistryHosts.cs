using System.Net;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>The registries that a build names. A daemon may ask for the credentials of any host; it gets only those of these registries.</summary>
internal sealed class RegistryHosts
{
    /// <summary>The host that serves Docker Hub's images. References use another name for it.</summary>
    public const string HubHost = "registry-1.docker.io";

    /// <summary>The key of Docker Hub's credentials (docker/cli, cli/command/registry.go).</summary>
    public const string HubKey = "https://index.docker.io/v1/";

    private readonly HashSet<string> _hosts = new(Comparer);
    private readonly Lazy<HashSet<string>> _inArchive;

    private RegistryHosts(ImageBuildRequest build, DockerfileContent? dockerfile)
    {
        // Read only for a host that nothing else names: the archive may be large.
        _inArchive = new Lazy<HashSet<string>>(
            () => (build.DockerfileText is null && dockerfile is null ? BaseImages(build, TextInArchive(build)).Select(HostOf).OfType<string>() : []).ToHashSet(Comparer));
    }

    /// <summary>The hosts, without those of a Dockerfile in an archive.</summary>
    public IReadOnlyCollection<string> Named => _hosts;

    /// <summary>Collects the hosts of tags, caches, output names, base images, named contexts, attestation generators and the user's list.</summary>
    public static RegistryHosts Of(ImageBuildRequest build, DockerfileContent? dockerfile)
    {
        RegistryHosts hosts = new(build, dockerfile);
        foreach (string host in build.RegistryCredentials.Keys.Concat(build.RegistryHosts))
        {
            hosts.AddHost(host);
        }

        foreach (string reference in build.Tags
            .Concat(build.Outputs.SelectMany(static o => o.Attributes.GetValueOrDefault("name", string.Empty).Split(',')))
            .Concat(build.CacheFrom.Concat(build.CacheTo).Select(static c => c.Attributes.GetValueOrDefault("ref", string.Empty)))
            .Concat(build.NamedContexts.Values.Select(NamedContext.Complete).Where(static v => v.StartsWith(NamedContext.ImageScheme, StringComparison.Ordinal)).Select(static v => v[NamedContext.ImageScheme.Length..]))
            .Concat(build.Attestations.Select(static a => a.Attributes.GetValueOrDefault("generator", string.Empty)))
            .Concat(build.SourcePolicy?.Replacements ?? [])
            .Concat(build.RegistryReferences)
            .Concat(BaseImages(build, build.DockerfileText ?? dockerfile?.Text)))
        {
            hosts.AddReference(reference);
        }

        return hosts;
    }

    /// <summary>Compares hosts as <see cref="AreSame"/> does, and knows Docker Hub by all its names.</summary>
    public static IEqualityComparer<string> Comparer { get; } = EqualityComparer<string>.Create(
        static (one, other) => one is null || other is null ? one == other : AreSame(KeyOf(one), KeyOf(other)),
        static host => string.GetHashCode(WithoutPort(KeyOf(host)), StringComparison.OrdinalIgnoreCase));

    public bool Contains(string host) => _hosts.Contains(host) || _inArchive.Value.Contains(host);

    public static bool IsLoopback(string host)
    {
        string name = Uri.TryCreate("http://" + host, UriKind.Absolute, out Uri? uri) ? uri.IdnHost : host;
        return name == "localhost" || (IPAddress.TryParse(name.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));
    }

    public static string KeyOf(string host) => host is HubHost or "docker.io" or "index.docker.io" or HubKey ? HubKey : host;

    /// <summary>Whether two texts name the same host: ignores case and the port of https.</summary>
    public static bool AreSame(string one, string other) => WithoutPort(one).Equals(WithoutPort(other), StringComparison.OrdinalIgnoreCase);

    /// <summary>The name of a host among others: the same text, or else the first that names the same host.</summary>
    public static string? Find(IEnumerable<string> names, string host)
    {
        string? same = null;
        foreach (string name in names)
        {
            if (name == host)
            {
                return name;
            }

            same ??= AreSame(name, host) ? name : null;
        }

        return same;
    }

    private static ReadOnlySpan<char> WithoutPort(string host) => host.EndsWith(":443", StringComparison.Ordinal) ? host.AsSpan(0, host.Length - 4) : host;

    internal void AddReference(string reference)
    {
        if (HostOf(reference) is { } host)
        {
            AddHost(host);
        }
    }

    private static string? HostOf(string reference) =>
        ImageReference.TryParse(reference, out ImageReference? parsed) && parsed.Domain.Length > 0 ? KeyOf(parsed.Domain) : null;

    private static string? TextInArchive(ImageBuildRequest build)
    {
        try
        {
            return File.Exists(build.ContextPath) ? ContextArchive.ReadFile(build.ContextPath, build.DockerfilePath ?? "Dockerfile") : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // The engine reports what is wrong with it.
            return null;
        }
    }

    private static IReadOnlyList<string> BaseImages(ImageBuildRequest build, string? text)
    {
        if (text is null)
        {
            return [];
        }

        try
        {
            DockerfileText dockerfile = DockerfileText.Parse(text, build.BuildArguments.GetValueOrDefault("BUILDKIT_SYNTAX"));
            List<string> images = [.. build.Platforms.Count == 0
                ? dockerfile.FindImages(build.BuildArguments)
                : build.Platforms.SelectMany(p => dockerfile.FindImages(build.BuildArguments, Platform.TryParse(p, out Platform? platform, out _) ? platform : null))];
            if (dockerfile.Syntax is { } syntax)
            {
                images.Add(syntax);
            }

            return images;
        }
        catch (DockerfileException)
        {
            // The engine reports what is wrong with it.
            return [];
        }
    }

    private void AddHost(string host) => _hosts.Add(host);
}
