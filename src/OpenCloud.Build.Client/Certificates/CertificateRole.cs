namespace OpenCloud.Build.Client.Certificates;

/// <summary>What a certificate is for.</summary>
public enum CertificateRole
{
    /// <summary>It issues the others.</summary>
    Authority = 0,

    /// <summary>An engine.</summary>
    Server,

    /// <summary>A user of engines.</summary>
    Client,
}
