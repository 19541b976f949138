using System.Security.Cryptography;

namespace OpenCloud.Build.Client.Text;

/// <summary>Makes the ids of builds and sessions: random, lower-case, safe in headers and in a history's file names.</summary>
internal static class BuildIdentity
{
    /// <summary>A new id of 128 random bits.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
