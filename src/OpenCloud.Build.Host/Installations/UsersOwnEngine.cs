using System.Text.Json;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Installations;

/// <summary>
/// An engine that a user installed without root, as seen by root. The user can write anything into the records, so they are read as that
/// user and within bounds, and only the version is taken from them. The account database gives the user and the paths. The user's programs
/// come from <see cref="UsersPrograms"/>; root writes their paths into the user's own unit only.
/// </summary>
internal static class UsersOwnEngine
{
    private const int Limit = 1024 * 1024;

    /// <summary>Finds the user's engine; null when there is none or its records are unreadable.</summary>
    public static (RootlessPaths Paths, InstallationManifest Manifest)? Of(UserAccount user)
    {
        try
        {
            string path = $"{RootlessPaths.RecordsOf(user, asRoot: false)}/{InstallationManifest.FileName}";
            return ActingUser.Run(user, () => BoundedFile.TryReadText(path, Limit)) is { } text ? Read(user, text) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or HostException)
        {
            // Root cannot rely on it: the home is closed, or the file is not a manifest.
            return null;
        }
    }

    private static (RootlessPaths, InstallationManifest)? Read(UserAccount user, string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        if (!root.TryGetProperty("Rootless", out _) || Text(root, "Version") is not { } version || version == InstallationManifest.Removed)
        {
            return null;
        }

        string number = BuildKitVersion.Parse(version).ToString();
        UsersPrograms programs = UsersPrograms.Of(user);
        RootlessPaths paths = new(user, AsRoot: false, programs.Prefix, $"{user.Home}/.local/share/buildkit", SystemUnit: false);
        return (paths, new InstallationManifest
        {
            Version = number,
            Prefix = programs.Prefix,
            Worker = BuildKitWorker.Oci,
            Namespace = string.Empty,
            Group = user.Name,
            Programs = new Dictionary<string, string>(),
            Changes = [],
            Rootless = new RootlessFacts
            {
                User = user.Name,
                Uid = user.Uid,
                Home = user.Home,
                State = paths.State,
                SystemUnit = false,
                RootlessKit = programs.RootlessKit,
            },
        });
    }

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
