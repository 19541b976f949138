using System.Net.Http.Headers;
using System.Text;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>
/// Asks a registry itself where its tokens are issued, without credentials: at its base address and, when that needs no token, for the repository.
/// An engine's own statement may name a foreign address.
/// </summary>
/// <remarks>distribution, docs/spec/api.md (API version check) and docs/spec/auth/token.md (the challenge).</remarks>
internal static class RegistryRealms
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>The client must follow no redirects and send no credentials.</summary>
    /// <returns>The realms that the registry names, if any, and why it could not be asked.</returns>
    public static async Task<(IReadOnlyList<Uri> Realms, string? Problem)> AskAsync(HttpClient client, string host, IEnumerable<string> scopes, CancellationToken cancellationToken)
    {
        string name = RegistryHosts.KeyOf(host) == RegistryHosts.HubKey ? RegistryHosts.HubHost : host;
        string? problem = null;
        foreach (string scheme in RegistryHosts.IsLoopback(name) ? ["http", "https"] : (IEnumerable<string>)["https"])
        {
            if (!Uri.TryCreate($"{scheme}://{name}/v2/", UriKind.Absolute, out Uri? address) || address.UserInfo.Length > 0 || address.AbsolutePath != "/v2/")
            {
                return ([], "it has no address");
            }

            try
            {
                List<Uri> realms = await AskAsync(client, address, cancellationToken).ConfigureAwait(false);
                foreach (string repository in scopes.Select(RepositoryOf).OfType<string>().Distinct(StringComparer.Ordinal).Take(4))
                {
                    realms.AddRange(realms.Count == 0 ? await AskAsync(client, new Uri(address, repository + "/tags/list?n=1"), cancellationToken).ConfigureAwait(false) : []);
                }

                return (realms, null);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                problem = e is HttpRequestException failed ? RegistryAuthorities.Explain(failed, name) : "it does not answer";
            }
        }

        return ([], problem);
    }

    public static IEnumerable<Uri> In(IEnumerable<AuthenticationHeaderValue> challenges) => challenges
        .Where(static c => c.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
        .Select(static c => Uri.TryCreate(RealmOf(c.Parameter ?? string.Empty), UriKind.Absolute, out Uri? realm) ? realm : null)
        .OfType<Uri>();

    /// <summary>The value of <c>realm</c> among a challenge's parameters (RFC 9110, 11.2); empty when there is none.</summary>
    public static string RealmOf(string parameters) => ParameterOf(parameters, "realm");

    public static string ParameterOf(string parameters, string wanted)
    {
        int at = 0;
        while (at < parameters.Length)
        {
            int equals = parameters.IndexOf('=', at);
            if (equals < 0)
            {
                break;
            }

            string name = parameters[at..equals].Trim(' ', '\t', ',');
            at = equals + 1;
            string value = at < parameters.Length && parameters[at] == '"' ? Quoted(parameters, ref at) : Plain(parameters, ref at);
            if (name.Equals(wanted, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        return string.Empty;
    }

    private static async Task<List<Uri>> AskAsync(HttpClient client, Uri address, CancellationToken cancellationToken)
    {
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        time.CancelAfter(Longest);
        using HttpRequestMessage message = new(HttpMethod.Get, address);
        using HttpResponseMessage answer = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, time.Token).ConfigureAwait(false);
        return answer.StatusCode == System.Net.HttpStatusCode.Unauthorized ? [.. In(answer.Headers.WwwAuthenticate)] : [];
    }

    // "repository:library/busybox:pull"; the name comes from the engine, so it becomes part of an address only if it is valid.
    private static string? RepositoryOf(string scope) =>
        scope.Split(':') is ["repository", { Length: > 0 and <= 255 } name, ..] && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '/' or '.' or '_' or '-')
            && name.Split('/').All(static p => p.Length > 0 && p.Any(char.IsAsciiLetterOrDigit))
            ? name
            : null;

    private static string Plain(string text, ref int at)
    {
        int start = at;
        int comma = text.IndexOf(',', at);
        at = comma < 0 ? text.Length : comma + 1;
        return text[start..(comma < 0 ? text.Length : comma)].Trim();
    }

    private static string Quoted(string text, ref int at)
    {
        StringBuilder value = new();
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            value.Append(text[at]);
        }

        at = Math.Min(at + 1, text.Length);
        return value.ToString();
    }
}
