using System.Globalization;
using System.Text.Json;
using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Containers.Runtime;

/// <summary>The program that an image starts.</summary>
/// <param name="Arguments">The program and its arguments.</param>
/// <param name="Environment">The variables, as NAME=VALUE.</param>
/// <param name="Folder">The working directory.</param>
/// <param name="Uid">The user.</param>
/// <param name="Gid">The group.</param>
/// <remarks>OCI image specification, config.md: Entrypoint, Cmd, Env, WorkingDir and User.</remarks>
internal sealed record ImageProcess(IReadOnlyList<string> Arguments, IReadOnlyList<string> Environment, string Folder, uint Uid, uint Gid)
{
    /// <summary>Reads the configuration of an image.</summary>
    /// <exception cref="OciFormatException">It is not a configuration, starts no program, or its user has a name that only the image knows.</exception>
    public static ImageProcess Parse(ReadOnlyMemory<byte> json, string what) => OciJson.Read(json, what, root =>
    {
        JsonElement config = OciJson.TryGet(root, "config", out JsonElement found) && found.ValueKind == JsonValueKind.Object ? found : default;
        bool isThere = config.ValueKind == JsonValueKind.Object;
        string[] arguments = isThere ? [.. OciJson.GetStrings(config, "Entrypoint", what), .. OciJson.GetStrings(config, "Cmd", what)] : [];
        if (arguments.Length == 0)
        {
            throw new OciFormatException($"{what}: the image starts no program.");
        }

        string folder = OciJson.GetString(config, "WorkingDir", what);
        string user = OciJson.GetString(config, "User", what);
        return new ImageProcess(arguments, OciJson.GetStrings(config, "Env", what), folder.StartsWith('/') ? folder : "/", NumberOf(user, 0, what), NumberOf(user, 1, what));
    });

    private static uint NumberOf(string user, int part, string what)
    {
        string[] parts = user.Split(':');
        return part >= parts.Length || parts[part] is "" or "root" ? 0
            : parts.Length <= 2 && uint.TryParse(parts[part], NumberStyles.None, CultureInfo.InvariantCulture, out uint id) ? id
            : throw new OciFormatException($"{what}: the image runs as '{user}', a name that only the image itself can look up.");
    }
}
