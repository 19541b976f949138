using System.Net;
using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Reads responses within bounds; their content is untrusted.</summary>
internal static class RegistryAnswers
{
    private const int MaxErrorBytes = 64 * 1024;
    private const int LongestWords = 500;

    public static async Task<byte[]> ReadAsync(HttpResponseMessage answer, int limit, string host, TimeSpan stall, CancellationToken cancellationToken)
    {
        if (answer.Content.Headers.ContentLength > limit)
        {
            throw TooLong();
        }

        using MemoryStream whole = new();
        Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            byte[] buffer = new byte[64 * 1024];
            int read;
            while ((read = await ReadAsync(body, buffer, stall, cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (whole.Length + read > limit)
                {
                    throw TooLong();
                }

                whole.Write(buffer, 0, read);
            }
        }

        return whole.ToArray();

        RegistryException TooLong() => new(RegistryFailure.Invalid, host, $"The registry {host} answered with more than {limit} bytes, the limit for such a document.");
    }

    /// <summary>Reads a piece of a body. A longer pause than <c>stall</c> is a connection error.</summary>
    public static async ValueTask<int> ReadAsync(Stream body, Memory<byte> buffer, TimeSpan stall, CancellationToken cancellationToken)
    {
        ValueTask<int> reading = body.ReadAsync(buffer, cancellationToken);
        if (reading.IsCompleted)
        {
            return await reading.ConfigureAwait(false);
        }

        try
        {
            return await reading.AsTask().WaitAsync(stall, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            // Ends the read: it must not write into the buffer later.
            await body.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"No data arrived for {stall.TotalSeconds:0.#} s.", e);
        }
    }

    public static async Task<RegistryException> ErrorAsync(HttpResponseMessage answer, string host, string what, TimeSpan stall, CancellationToken cancellationToken)
    {
        string said;
        try
        {
            said = Words(await ReadAsync(answer, MaxErrorBytes, host, stall, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is RegistryException or IOException or HttpRequestException)
        {
            said = string.Empty;
        }

        RegistryFailure failure = answer.StatusCode switch
        {
            HttpStatusCode.Unauthorized => RegistryFailure.Unauthorized,
            HttpStatusCode.Forbidden => RegistryFailure.Denied,
            HttpStatusCode.NotFound => RegistryFailure.NotFound,
            HttpStatusCode.TooManyRequests => RegistryFailure.TooManyRequests,
            _ => RegistryFailure.Refused,
        };
        string reason = said.Length > 0 ? said : TerminalText.Bounded(TerminalText.Line(answer.ReasonPhrase ?? "no reason"), LongestWords);
        return new RegistryException(failure, host, $"The registry {host} refused the request for {what}: {reason} (HTTP {(int)answer.StatusCode}).");
    }

    // distribution-spec, spec.md, Error Codes.
    internal static string Words(byte[] body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            IEnumerable<string> all = LenientJson.Items(document.RootElement, "errors").Where(static e => e.ValueKind == JsonValueKind.Object).Take(3)
                .Select(static e => $"{LenientJson.Text(e, "code")} {LenientJson.Text(e, "message")}".Trim());
            return TerminalText.Bounded(TerminalText.Line(string.Join("; ", all)), LongestWords);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Possibly a proxy's page: its first words may say more than the status.
            string text = Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 200))).Trim();
            return text.StartsWith('<') ? string.Empty : TerminalText.Bounded(TerminalText.Line(text), LongestWords);
        }
    }
}
