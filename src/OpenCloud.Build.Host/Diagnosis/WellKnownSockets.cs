using OpenCloud.Build.Host.Layouts;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>The usual socket paths of engines.</summary>
public static class WellKnownSockets
{
    /// <summary>The socket of the machine's BuildKit.</summary>
    public const string BuildKit = SystemPaths.SocketPath;
}
