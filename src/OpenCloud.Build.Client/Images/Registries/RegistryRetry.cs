using System.Net;
using System.Net.Http.Headers;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Tells transient failures from permanent ones, and computes the pause before a retry.</summary>
internal static class RegistryRetry
{
    public static bool IsPassing(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    /// <summary>Whether the connection was cut, or the server did not answer in time.</summary>
    public static bool IsPassing(Exception error) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError } => false,
        HttpRequestException or IOException or TimeoutException => true,
        _ => false,
    };

    /// <summary><c>attempt</c> counts from 1.</summary>
    public static TimeSpan Pause(int attempt, RegistryOptions options)
    {
        TimeSpan doubled = options.FirstPause * Math.Pow(2, Math.Min(attempt - 1, 16));

        // Half of the pause is random, so that clients do not retry at the same moment.
        TimeSpan pause = doubled * (0.5 + (Random.Shared.NextDouble() / 2));
        return pause < options.LongestPause ? pause : options.LongestPause;
    }

    /// <summary>The delay in Retry-After (RFC 9110, 10.2.3); null when absent.</summary>
    public static TimeSpan? Asked(RetryConditionHeaderValue? header, DateTimeOffset now) =>
        header?.Delta ?? (header?.Date is { } date ? date > now ? date - now : TimeSpan.Zero : null);
}
