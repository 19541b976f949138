namespace OpenCloud.Build.Client.Failures;

/// <summary>A registry's credentials could not be had: of a helper program, of docker's configuration, or of a token service.</summary>
internal sealed class RegistryCredentialException(string message, Exception? inner = null) : IOException(message, inner);
