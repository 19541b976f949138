using System.Text.Json;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>
/// An engine that a user installed without root, as root looks at it. The user can write anything into those records, so they are read as that
/// user and within bounds, and no more is taken than the version. Who the user is, and where everything lies, the accounts say. Where the user's
/// programs are, which go into the user's own unit and nowhere else, <see cref="UsersPrograms"/> says.
/// </summary>
internal static class UsersOwnEngine
{
    private const int Limit = 1024 * 1024;

    /// <summary>Looks; null when the user has none, or nothing that can be read as one.</summary>
    public static (RootlessLayout Layout, InstallationManifest Manifest)? Of(UserAccount user)
    {
        try
        {
            string path = $"{RootlessLayout.RecordsOf(user, asRoot: false)}/{InstallationManifest.FileName}";
            return ActingUser.Run(user, () => BoundedFile.TryReadText(path, Limit)) is { } text ? Read(user, text) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or HostException)
        {
            // Somebody else's home is closed, or what is in there is no manifest: either way root has nothing to go by.
            return null;
        }
    }

    private static (RootlessLayout, InstallationManifest)? Read(UserAccount user, string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        if (!root.TryGetProperty("Rootless", out _) || Text(root, "Version") is not { } version || version == InstallationManifest.Removed)
        {
            return null;
        }

        string number = BuildKitVersion.Parse(version).ToString();
        UsersPrograms programs = UsersPrograms.Of(user);
        RootlessLayout layout = new(user, AsRoot: false, programs.Prefix, $"{user.Home}/.local/share/buildkit", SystemUnit: false);
        return (layout, new InstallationManifest
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
                State = layout.State,
                SystemUnit = false,
                RootlessKit = programs.RootlessKit,
            },
        });
    }

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
