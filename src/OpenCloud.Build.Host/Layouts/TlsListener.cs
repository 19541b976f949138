namespace OpenCloud.Build.Host.Layouts;

/// <summary>The TCP address of an engine, and the directory with its certificates. With --tlscacert, buildkitd requires client certificates.</summary>
/// <param name="Address">The IP address and port.</param>
/// <param name="Directory">The directory, with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>.</param>
internal sealed record TlsListener(string Address, string Directory)
{
    public const string Authority = "ca.pem";
    public const string Certificate = "cert.pem";
    public const string Key = "key.pem";

    /// <summary>What buildkitd needs for it, after its other options.</summary>
    public string Options => $" --addr tcp://{Address} --tlscacert {Directory}/{Authority} --tlscert {Directory}/{Certificate} --tlskey {Directory}/{Key}";
}
