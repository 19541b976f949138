using System.Security.Cryptography;

namespace OpenCloud.Build.Client.Text;

/// <summary>Creates the ids of builds and sessions: random, lower-case, safe in headers and in file names of a history.</summary>
internal static class BuildIdentity
{
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
