using System.Net;
using System.Text;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.Registries;

namespace OpenCloud.Build.Fuzz;

/// <summary>Answers of registries, and the registry configuration of the engines of this machine. Manifests and tokens have separate targets.</summary>
internal static class RegistryTarget
{
    private static readonly Uri Address = new("https://registry.test:5000/v2/a/blobs/uploads/");

    /// <summary>The headers of an answer, one per line: the challenge, the next page, a pause, a location, and the ranges of blobs and uploads.</summary>
    public static void Headers(byte[] input)
    {
        using HttpResponseMessage answer = new(HttpStatusCode.Unauthorized) { Content = new ByteArrayContent([]) };
        foreach (string line in Encoding.Latin1.GetString(input).Split('\n'))
        {
            string[] parts = line.Split(':', 2);
            if (parts.Length == 2 && parts[0].Length > 0 && parts[0].All(static c => char.IsAsciiLetterOrDigit(c) || c == '-') && !answer.Headers.TryAddWithoutValidation(parts[0], parts[1].Trim()))
            {
                answer.Content.Headers.TryAddWithoutValidation(parts[0], parts[1].Trim());
            }
        }

        RegistryEndpoint endpoint = new([Address]);
        Targets.Refusing<RegistryException>(() => new RegistryAuthorization(endpoint, new RegistryOptions()).Read(answer));
        if (answer.Headers.TryGetValues("Link", out IEnumerable<string>? links) && RegistryLists.NextOf(links) is { } next
            && RegistryLists.Following(Address, next) is { } following && (following.Scheme != Address.Scheme || following.Authority != Address.Authority))
        {
            throw new InvalidOperationException("a page leads to another server");
        }

        if (BlobUpload.ReceivedOf(answer) < 0 || RegistryRetry.Asked(answer.Headers.RetryAfter, DateTimeOffset.UnixEpoch) < TimeSpan.Zero)
        {
            throw new InvalidOperationException("a size or a pause is negative");
        }

        _ = answer.Content.Headers.ContentRange?.From;
        using RegistryConnection connection = new(endpoint, new RegistryOptions());
        Targets.Refusing<RegistryException>(() =>
        {
            Uri location = connection.Follow(Address, answer.Headers.Location);
            if (location.Scheme != Uri.UriSchemeHttps || location.UserInfo.Length > 0)
            {
                throw new InvalidOperationException("an upload continues at an address that is not allowed");
            }
        });
    }

    /// <summary>Errors and lists of tags.</summary>
    public static void Answers(byte[] input)
    {
        if (RegistryAnswers.Words(input).Any(static c => char.IsControl(c) && c != '\t'))
        {
            throw new InvalidOperationException("a control character is left");
        }

        Targets.Refusing<OciFormatException>(() => OciJson.Read(input, "it", static root => OciJson.GetStrings(root, "tags", "it")));
    }

    /// <summary>containerd's hosts.toml and Docker Engine's daemon.json.</summary>
    public static void Hosts(byte[] input, string scratch)
    {
        string folder = Path.Combine(scratch, "certs.d");
        Directory.CreateDirectory(Path.Combine(folder, "registry.test"));
        File.WriteAllBytes(Path.Combine(folder, "registry.test", "hosts.toml"), input);
        File.WriteAllBytes(Path.Combine(scratch, "daemon.json"), input);
        Targets.Refusing<RegistryException>(() => new RegistrySettings(folder, []).EndpointsOf("registry.test", false));
        Targets.Refusing<RegistryException>(() => new RegistrySettings("/nonexistent", [Path.Combine(scratch, "daemon.json")]).EndpointsOf("docker.io", false));
    }

    /// <summary>A statement of an attestation.</summary>
    public static void Statement(byte[] input) => Targets.Refusing<OciFormatException>(() => StatementReader.Read(input, new ContainerImageAttestation { Image = "x", Digest = "d" }, "it"));
}
