using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Prechecks;

/// <summary>
/// The profile that allows one program to create user namespaces where AppArmor denies them to unconfined programs (Ubuntu 23.10
/// and later; apparmor.d(5), "userns"). The profile restricts nothing; it only grants the program what every program could do before.
/// </summary>
internal sealed record AppArmorProfile(string Path, string Text)
{
    public const string Directory = "/etc/apparmor.d";

    // The names of the loaded profiles with their modes, for root (security/apparmor/apparmorfs.c).
    private const string Loaded = "/sys/kernel/security/apparmor/profiles";

    // apparmor_parser(8), --cache-loc: a folder for each kind of kernel.
    private const string Cache = "/var/cache/apparmor";

    private const string Prefix = "opencloud.build.";

    /// <summary>Creates the profile for a program.</summary>
    /// <param name="program">The path with all links resolved; the kernel matches only that path.</param>
    public static AppArmorProfile For(string program)
    {
        string name = Prefix + program.Trim('/').Replace('/', '.');
        return new AppArmorProfile(
            $"{Directory}/{name}",
            OwnedText.Seal(
                $$"""
                abi <abi/4.0>,
                include <tunables/global>

                profile {{name}} "{{program}}" flags=(unconfined) {
                  userns,

                  include if exists <local/{{name}}>
                }

                """));
    }

    /// <summary>Finds the profile that allows a program to create user namespaces; null when there is none.</summary>
    /// <param name="view">The view of this machine.</param>
    /// <param name="program">The path with all links resolved.</param>
    /// <returns>The profile's file, and whether the kernel has loaded it, which is null for a caller without the root rights to see that.</returns>
    public static (string File, bool? IsLoaded)? Find(IHostView view, string program)
    {
        (string File, bool? IsLoaded)? found = null;
        foreach (string? file in view.FilesOf(Directory).Where(file => view.Look($"{Directory}/disable/{System.IO.Path.GetFileName(file)}") is null))
        {
            if (NameOf(view.ReadText(file) ?? string.Empty, program) is { } name)
            {
                bool? loaded = IsLoaded(view, name);
                if (loaded != false)
                {
                    return (file, loaded);
                }

                found ??= (file, loaded);
            }
        }

        return found;
    }

    public static bool? IsLoaded(IHostView view, string name)
        => view.ReadText(Loaded)?.Split('\n').Any(line => line.StartsWith(name + " (", StringComparison.Ordinal));

    /// <summary>The name of the profile in a text that allows a program to create user namespaces; null when there is none.</summary>
    public static string? NameOf(string text, string program)
    {
        string? name = null;
        foreach (string? line in text.Split('\n').Select(line => line.Trim()).Where(line => !line.StartsWith('#')))
        {
            if (line.EndsWith('{'))
            {
                // "profile NAME PATH flags=(…) {"; either NAME or PATH may be omitted.
                name = Regex.IsMatch(line, $"(^|\\s|\"){Regex.Escape(program)}(\"|\\s)", RegexOptions.CultureInvariant)
                    ? line.Split(' ', StringSplitOptions.RemoveEmptyEntries).First(word => word != "profile").Trim('"')
                    : null;
            }
            else if (line == "}")
            {
                name = null;
            }
            else if (name is not null && (line is "userns," || line.StartsWith("userns ", StringComparison.Ordinal)))
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>Removes the parser's compiled copy of a profile of this module, which would be loaded at the next boot.</summary>
    public static void DropCompiled(string path)
    {
        string name = System.IO.Path.GetFileName(path);
        if (name.StartsWith(Prefix, StringComparison.Ordinal) && System.IO.Directory.Exists(Cache))
        {
            foreach (string folder in System.IO.Directory.GetDirectories(Cache))
            {
                File.Delete(System.IO.Path.Combine(folder, name));
            }
        }
    }
}
