namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>The peer of a connection answered no PING and sent nothing else for too long.</summary>
internal sealed class Http2SilenceException(int pings, TimeSpan interval)
    : IOException(string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"it is stopped or unreachable: it has sent nothing for {((pings + 1) * interval).TotalSeconds:0.#} seconds and has not answered {pings} pings"));
