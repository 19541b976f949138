using System.Net;
using System.Runtime.CompilerServices;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>The lists of a repository, page by page and within bounds.</summary>
/// <remarks>distribution-spec, Listing Tags and Listing Referrers; RFC 8288 for the link to the next page.</remarks>
internal sealed class RegistryLists(RegistryConnection connection, string path, IReadOnlyList<string> scopes)
{
    private const int PageSize = 1000;
    private const int MaxPages = 1000;
    private const int MaxItems = 1_000_000;

    public async IAsyncEnumerable<string> ListTagsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string what = $"the tags of '{path}'";
        int count = 0;
        await foreach (byte[] page in PagesAsync($"{path}/tags/list?n={PageSize}", what, cancellationToken).ConfigureAwait(false))
        {
            foreach (string tag in OciJson.Read(page, $"{connection.Host}: {what}", root => OciJson.GetStrings(root, "tags", what)))
            {
                // The tag becomes part of addresses and names.
                if (!ImageReference.TryParse($"x:{tag}", out ImageReference? reference) || reference.Tag != tag)
                {
                    throw new RegistryException(RegistryFailure.Invalid, connection.Host, $"The registry {connection.Host} lists an invalid tag of '{path}': '{TerminalText.Name(TerminalText.Bounded(tag, 200))}'.");
                }

                yield return ++count <= MaxItems ? tag : throw TooMany(what);
            }
        }
    }

    /// <summary>The manifests that refer to a digest; null when the registry has no such list.</summary>
    public async Task<IReadOnlyList<OciDescriptor>?> ListReferrersAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        string what = $"the referrers of '{path}@{digest}'";
        List<OciDescriptor> all = [];
        bool isKnown = false;
        await foreach (byte[] page in PagesAsync($"{path}/referrers/{digest}", what, cancellationToken, isOptional: true).ConfigureAwait(false))
        {
            isKnown = true;
            all.AddRange(OciManifest.Parse(page, OciMediaTypes.Index, $"{connection.Host}: {what}").Manifests);
            if (all.Count > MaxItems)
            {
                throw TooMany(what);
            }
        }

        return isKnown ? all : null;
    }

    internal static string? NextOf(IEnumerable<string> links)
    {
        foreach (string link in links.SelectMany(static l => l.Split(',')))
        {
            int begin = link.IndexOf('<', StringComparison.Ordinal);
            int end = link.IndexOf('>', StringComparison.Ordinal);
            if (begin >= 0 && end > begin && link[end..].Split(';').Any(static p => p.Replace("\"", string.Empty, StringComparison.Ordinal).Trim().Equals("rel=next", StringComparison.OrdinalIgnoreCase)))
            {
                return link[(begin + 1)..end];
            }
        }

        return null;
    }

    /// <summary>The address of the next page; null when it is on another server.</summary>
    internal static Uri? Following(Uri from, string next)
    {
        if (!Uri.TryCreate(from, next, out Uri? read))
        {
            return null;
        }

        Uri following = RegistryConnection.Upgrade(from, read);
        return following.Scheme == from.Scheme && following.Port == from.Port && following.UserInfo.Length == 0 && following.IdnHost.Equals(from.IdnHost, StringComparison.OrdinalIgnoreCase)
            ? following
            : null;
    }

    private async IAsyncEnumerable<byte[]> PagesAsync(string first, string what, [EnumeratorCancellation] CancellationToken cancellationToken, bool isOptional = false)
    {
        Uri address = await connection.AddressOfAsync(first, cancellationToken).ConfigureAwait(false);
        HashSet<Uri> seen = [];
        while (seen.Add(address))
        {
            if (seen.Count > MaxPages)
            {
                throw TooMany(what);
            }

            using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Get, address, scopes, null, what, connection.Attempts, cancellationToken).ConfigureAwait(false);
            if (isOptional && seen.Count == 1 && answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
            {
                yield break;
            }

            await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.OK).ConfigureAwait(false);
            byte[] page;
            try
            {
                page = await RegistryAnswers.ReadAsync(answer, OciJson.MaxManifestBytes, connection.Host, connection.StallTimeout, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                throw connection.Unreachable(e, what);
            }

            yield return page;
            if (!answer.Headers.TryGetValues("Link", out IEnumerable<string>? links) || NextOf(links) is not { } next)
            {
                yield break;
            }

            address = Following(address, next)
                ?? throw new RegistryException(RegistryFailure.Invalid, connection.Host, $"The registry {connection.Host} names another server for the next page of {what}.");
        }
    }

    private RegistryException TooMany(string what) => new(RegistryFailure.Invalid, connection.Host, $"The registry {connection.Host} lists more entries than the limit of this client: {what}.");
}
