using System.Security;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>A user name and a password for a registry.</summary>
/// <param name="UserName">The user name; empty when the secret is an identity token.</param>
/// <param name="Secret">The password or token.</param>
public sealed record RegistryCredential(string UserName, string Secret)
{
    /// <summary>Creates a credential from a name and a secure string, as in PowerShell's credentials.</summary>
    public static RegistryCredential From(string userName, SecureString password)
        => new(userName, new System.Net.NetworkCredential(string.Empty, password).Password);

    /// <summary>The user name, never the secret.</summary>
    public override string ToString() => UserName.Length > 0 ? $"{UserName} (with a password)" : "an identity token";
}
