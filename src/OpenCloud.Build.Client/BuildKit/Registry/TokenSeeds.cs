using System.Security.Cryptography;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Oci;

namespace OpenCloud.Build.Client.BuildKit.Registry;

/// <summary>
/// A random seed per registry host that stays on this machine, from which the key of a token authority is made: with it two sessions of one user
/// share the daemon's tokens, and a daemon cannot choose what is signed with.
/// </summary>
/// <remarks>As moby/buildkit, session/auth/authprovider/tokenseed.go. The seeds are in a file of this client's own, mode 0600.</remarks>
internal static class TokenSeeds
{
    private const int SeedSize = 16;
    private const int MaxFileSize = 4 * 1024 * 1024;
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, byte[]> Kept = new(StringComparer.Ordinal);

    private static string FilePath => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "opencloud.build", "token-seeds.json");

    /// <summary>The seed of a host; made when there is none. Where it cannot be kept it lives as long as the process.</summary>
    public static byte[] Get(string host)
    {
        lock (Gate)
        {
            if (Kept.TryGetValue(host, out byte[]? seed))
            {
                return seed;
            }

            JsonObject all = Read();
            seed = JsonForm.Text(all, host) is { } text && TryDecode(text, out byte[]? kept) ? kept : null;
            if (seed is null)
            {
                seed = RandomNumberGenerator.GetBytes(SeedSize);
                all[host] = Convert.ToBase64String(seed);
                Write(all);
            }

            Kept[host] = seed;
            return seed;
        }
    }

    private static bool TryDecode(string text, out byte[]? seed)
    {
        seed = new byte[SeedSize];
        return Convert.TryFromBase64String(text, seed, out int count) && count == SeedSize;
    }

    private static JsonObject Read()
    {
        try
        {
            return JsonForm.TryParseObject(InputFile.ReadRegular(FilePath, MaxFileSize).Bytes) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static void Write(JsonObject all)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
            string temporary = FilePath + "." + Guid.NewGuid().ToString("n");
            FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (FileStream file = new(temporary, options))
            {
                file.Write(System.Text.Encoding.UTF8.GetBytes(all.ToJsonString()));
            }

            File.Move(temporary, FilePath, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A home that cannot be written to costs one more token per process.
        }
    }
}
