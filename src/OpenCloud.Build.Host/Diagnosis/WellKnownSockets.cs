using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>Where engines usually listen.</summary>
public static class WellKnownSockets
{
    /// <summary>The socket of the machine's BuildKit.</summary>
    public const string BuildKit = HostTexts.SocketPath;
}
