using System.Security.Cryptography;
using System.Text;

namespace OpenCloud.Build.Client.Session;

/// <summary>
/// The shared key of a session. The daemon keeps a copy of a local directory under this key (with the name of the directory's role) and
/// requests only what differs from it. So the key must be the same for the same directory and differ between directories, users and
/// machines (moby/buildkit, source/local).
/// </summary>
internal static class SessionKey
{
    private const string MachineIdFile = "/etc/machine-id";

    /// <summary>The key for a context directory given by its absolute path.</summary>
    public static string ForDirectory(string path) => ForDirectory(path, MachineId(), Environment.UserName);

    internal static string ForDirectory(string path, string machine, string user)
    {
        string text = string.Join('\0', "opencloud.build/1", machine, user, Path.TrimEndingDirectorySeparator(path));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }

    private static string MachineId()
    {
        try
        {
            return File.ReadAllText(MachineIdFile).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Containers often have none. A host name may change, which only costs one full transfer.
            return Environment.MachineName;
        }
    }
}
