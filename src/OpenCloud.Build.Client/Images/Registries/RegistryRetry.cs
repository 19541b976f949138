using System.Net;
using System.Net.Http.Headers;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Which failures pass, and how long to wait for that.</summary>
internal static class RegistryRetry
{
    /// <summary>Whether an answer says that the same request may succeed later.</summary>
    public static bool IsPassing(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    /// <summary>Whether an exception is that of a connection that was cut, or of a server that did not answer in time.</summary>
    public static bool IsPassing(Exception error) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError } => false,
        HttpRequestException or IOException or TimeoutException => true,
        _ => false,
    };

    /// <summary>The pause before the next attempt; <c>attempt</c> counts from 1.</summary>
    public static TimeSpan Pause(int attempt, RegistryOptions options)
    {
        TimeSpan doubled = options.FirstPause * Math.Pow(2, Math.Min(attempt - 1, 16));

        // Half of it is chance, so that several clients do not come back at once.
        TimeSpan pause = doubled * (0.5 + (Random.Shared.NextDouble() / 2));
        return pause < options.LongestPause ? pause : options.LongestPause;
    }

    /// <summary>What Retry-After asks for (RFC 9110, 10.2.3); null when it is absent.</summary>
    public static TimeSpan? Asked(RetryConditionHeaderValue? header, DateTimeOffset now) =>
        header?.Delta ?? (header?.Date is { } date ? date > now ? date - now : TimeSpan.Zero : null);
}
