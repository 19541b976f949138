using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>A stored credential. The identity token is exchanged for other tokens; the registry token is sent unchanged.</summary>
internal sealed record StoredCredential(string UserName, string Password, string IdentityToken, string RegistryToken)
{
    /// <summary>No credential: the registry is asked without one.</summary>
    public static StoredCredential None { get; } = new(string.Empty, string.Empty, string.Empty, string.Empty);

    public bool IsEmpty => UserName.Length == 0 && Password.Length == 0 && IdentityToken.Length == 0 && RegistryToken.Length == 0;

    public string EffectiveUserName => IdentityToken.Length > 0 ? string.Empty : UserName;

    public string Secret => IdentityToken.Length > 0 ? IdentityToken : Password;

    /// <summary>A user's credential; without a user name its secret is an identity token.</summary>
    public static StoredCredential Of(RegistryCredential given) => given.UserName.Length > 0
        ? new StoredCredential(given.UserName, given.Secret, string.Empty, string.Empty)
        : new StoredCredential(string.Empty, string.Empty, given.Secret, string.Empty);

    /// <summary>Only the type's name, so that no secret is printed.</summary>
    public override string ToString() => nameof(StoredCredential);
}
