namespace OpenCloud.Build.Client.Certificates;

/// <summary>What happened to a set of certificates.</summary>
public enum CertificateChange
{
    /// <summary>It is new.</summary>
    Created = 0,

    /// <summary>It replaced an older one, with a new key.</summary>
    Renewed,
}
