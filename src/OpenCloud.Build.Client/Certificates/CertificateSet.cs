namespace OpenCloud.Build.Client.Certificates;

/// <summary>A set of files to issue: an authority, a server or a client.</summary>
/// <param name="Role">What it is for.</param>
/// <param name="Name">The name of its owner.</param>
/// <param name="Names">The host names and IP addresses of a server; else empty.</param>
/// <param name="Path">Its directory.</param>
/// <param name="Exists">Whether it replaces an existing one.</param>
public sealed record CertificateSet(CertificateRole Role, string Name, IReadOnlyList<string> Names, string Path, bool Exists);
