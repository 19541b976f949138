using System.Security;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>A user's name and password at a registry.</summary>
/// <param name="UserName">The name; empty when the secret is an identity token.</param>
/// <param name="Secret">The password or token.</param>
public sealed record RegistryCredential(string UserName, string Secret)
{
    /// <summary>Makes it of a name and a secure string, as PowerShell's credentials hold them.</summary>
    public static RegistryCredential From(string userName, SecureString password)
        => new(userName, new System.Net.NetworkCredential(string.Empty, password).Password);

    /// <summary>The name only.</summary>
    public override string ToString() => UserName.Length > 0 ? $"{UserName} (with a password)" : "an identity token";
}
