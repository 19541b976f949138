using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>The logins of docker's configuration: in its <c>config.json</c>, or with the credential helper that it names.</summary>
public static class RegistryLogins
{
    /// <summary>The directory of docker's configuration: <c>DOCKER_CONFIG</c>, or <c>~/.docker</c>.</summary>
    public static string DefaultDirectory => DockerConfigFile.DefaultDirectory;

    /// <summary>The registries that a configuration has logins or helpers for.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<string> List(string directory) => DockerConfigFile.Read(directory).Hosts;

    /// <summary>Saves a login as <c>docker login</c> does; the registry is not asked.</summary>
    /// <returns>The file or the helper that has it now.</returns>
    /// <exception cref="IOException">The configuration cannot be read or written, or the helper failed.</exception>
    public static Task<string> SaveAsync(string directory, string registry, RegistryCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        return new DockerConfigWriter(directory).StoreAsync(registry, credential, cancellationToken);
    }

    /// <summary>Removes a login as <c>docker logout</c> does.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="IOException">The configuration cannot be read or written, or the helper failed.</exception>
    public static Task<bool> RemoveAsync(string directory, string registry, CancellationToken cancellationToken = default) =>
        new DockerConfigWriter(directory).RemoveAsync(registry, cancellationToken);
}
