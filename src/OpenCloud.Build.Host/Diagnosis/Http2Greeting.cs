using System.Text;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>The answer of the other end of a stream to HTTP/2's connection preface.</summary>
internal enum GreetingAnswer
{
    Http2,

    /// <summary>HTTP/1: Docker's API, a web server.</summary>
    Http1,

    Other,

    /// <summary>The other end closed the connection.</summary>
    Closed,

    /// <summary>No answer in time.</summary>
    Silent,
}

/// <summary>Tells an HTTP/2 server from others by the first bytes: both sides begin with a SETTINGS frame (RFC 9113, section 3.4).</summary>
internal static class Http2Greeting
{
    private static readonly byte[] Greeting = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    public static async Task<(GreetingAnswer Answer, string Evidence)> TryAsync(Stream stream, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        byte[] first = new byte[64];
        int have = 0;
        try
        {
            await stream.WriteAsync(Greeting, limit.Token).ConfigureAwait(false);
            while (have < 9)
            {
                int read = await stream.ReadAsync(first.AsMemory(have), limit.Token).ConfigureAwait(false);
                if (read == 0)
                {
                    break;
                }

                have += read;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (GreetingAnswer.Silent, $"no answer in {timeout.TotalSeconds:0} s");
        }
        catch (IOException error)
        {
            return (GreetingAnswer.Closed, $"it closed the connection: {error.InnerException?.Message ?? error.Message}");
        }

        if (have == 0)
        {
            return (GreetingAnswer.Closed, "it closed the connection without an answer");
        }

        if (have >= 9 && first[3] == 4 && (first[4] & 1) == 0 && first.AsSpan(5, 4).SequenceEqual<byte>([0, 0, 0, 0]))
        {
            return (GreetingAnswer.Http2, "it answers with HTTP/2 SETTINGS");
        }

        string text = Encoding.ASCII.GetString(first, 0, have);
        return text.StartsWith("HTTP/1.", StringComparison.Ordinal)
            ? (GreetingAnswer.Http1, $"it answers '{text.Split('\r')[0]}'")
            : (GreetingAnswer.Other, $"its first bytes are {Convert.ToHexStringLower(first, 0, Math.Min(have, 16))}");
    }
}
