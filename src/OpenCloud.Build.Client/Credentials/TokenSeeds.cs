using System.Security.Cryptography;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>
/// A random seed per registry host that stays on this machine. The key of a token authority is made of it: two sessions of one user share the
/// daemon's tokens, and a daemon cannot choose the key that signs.
/// </summary>
/// <remarks>As moby/buildkit, session/auth/authprovider/tokenseed.go. The seeds are in a file of this client's own, mode 0600.</remarks>
internal static class TokenSeeds
{
    private const int SeedSize = 16;
    private const int MaxFileSize = 4 * 1024 * 1024;
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, byte[]> Kept = new(StringComparer.Ordinal);

    private static string UsualPath => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "opencloud.build", "token-seeds.json");

    /// <summary>The seed of a host, created when there is none. If it cannot be stored, it lives as long as the process.</summary>
    public static byte[] Get(string host)
    {
        lock (Gate)
        {
            if (Kept.TryGetValue(host, out byte[]? seed))
            {
                return seed;
            }

            return Kept[host] = Get(host, UsualPath);
        }
    }

    internal static byte[] Get(string host, string path)
    {
        JsonObject all = Read(path);
        if (JsonForm.Text(all, host) is { } text && TryDecode(text, out byte[]? kept))
        {
            return kept!;
        }

        byte[] seed = RandomNumberGenerator.GetBytes(SeedSize);
        all[host] = Convert.ToBase64String(seed);
        Write(path, all);
        return seed;
    }

    private static bool TryDecode(string text, out byte[]? seed)
    {
        seed = new byte[SeedSize];
        return Convert.TryFromBase64String(text, seed, out int count) && count == SeedSize;
    }

    private static JsonObject Read(string path)
    {
        try
        {
            return JsonForm.TryParseObject(InputFile.ReadRegular(path, MaxFileSize).Bytes) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // The parent folders are the user's and may contain links.
    private static string RealPath(string path) => Path.Combine(RealPaths.Resolve(Path.GetDirectoryName(path)!) ?? Path.GetDirectoryName(path)!, Path.GetFileName(path));

    private static void Write(string path, JsonObject all)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            WholeFile.Write(RealPath(path), all.ToJsonString(), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without a writable home each process needs one more token.
        }
    }
}
