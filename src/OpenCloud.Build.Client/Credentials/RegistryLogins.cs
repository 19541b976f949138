using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>The logins of docker's configuration: in its <c>config.json</c>, or with the credential helper that it names.</summary>
public static class RegistryLogins
{
    /// <summary>The directory of docker's configuration: <c>DOCKER_CONFIG</c>, or <c>~/.docker</c>.</summary>
    public static string DefaultDirectory => DockerConfigFile.DefaultDirectory;

    /// <summary>Lists the registries for which a configuration has a login or a helper.</summary>
    /// <exception cref="IOException">The configuration cannot be read.</exception>
    public static IReadOnlyList<string> List(string directory) => DockerConfigFile.Read(directory).Hosts;

    /// <summary>Saves a login as <c>docker login</c> does, without contacting the registry.</summary>
    /// <returns>The file or the helper that has the login.</returns>
    /// <exception cref="IOException">The configuration cannot be read or written, or the helper failed.</exception>
    public static Task<string> SaveAsync(string directory, string registry, RegistryCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        return new DockerConfigWriter(directory).StoreAsync(registry, credential, cancellationToken);
    }

    /// <summary>Removes a login as <c>docker logout</c> does.</summary>
    /// <returns>Whether a login existed.</returns>
    /// <exception cref="IOException">The configuration cannot be read or written, or the helper failed.</exception>
    public static Task<bool> RemoveAsync(string directory, string registry, CancellationToken cancellationToken = default) =>
        new DockerConfigWriter(directory).RemoveAsync(registry, cancellationToken);
}
