namespace OpenCloud.Build.Client.Failures;

/// <summary>Registry credentials could not be obtained from a helper program, docker's configuration, or a token service.</summary>
internal sealed class RegistryCredentialException(string message, Exception? inner = null) : IOException(message, inner);
