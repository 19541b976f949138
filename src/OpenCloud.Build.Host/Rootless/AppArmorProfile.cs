using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>
/// The profile that lets one program make user namespaces where AppArmor denies them to programs without one (Ubuntu 23.10 and
/// later; apparmor.d(5), "userns"). It confines nothing: the program is named so that it may do what every program could before.
/// </summary>
/// <param name="Path">The profile's file.</param>
/// <param name="Text">Its text.</param>
internal sealed record AppArmorProfile(string Path, string Text)
{
    /// <summary>Where profiles lie.</summary>
    public const string Directory = "/etc/apparmor.d";

    // The names of the loaded profiles with their modes, for root (security/apparmor/apparmorfs.c).
    private const string Loaded = "/sys/kernel/security/apparmor/profiles";

    // apparmor_parser(8), --cache-loc: a folder for each kind of kernel.
    private const string Cache = "/var/cache/apparmor";

    private const string Prefix = "opencloud.build.";

    /// <summary>The profile for a program.</summary>
    /// <param name="program">Its path, links followed: the kernel matches that and nothing else.</param>
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

    /// <summary>The profile that lets a program make user namespaces; null when none does.</summary>
    /// <param name="view">Where to look.</param>
    /// <param name="program">Its path, links followed.</param>
    /// <returns>Its file, and whether the kernel has it: null where that is not to be seen, which takes root.</returns>
    public static (string File, bool? IsLoaded)? Find(IRootlessView view, string program)
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

    /// <summary>Whether the kernel has a profile; null where that is not to be seen.</summary>
    public static bool? IsLoaded(IRootlessView view, string name)
        => view.ReadText(Loaded)?.Split('\n').Any(line => line.StartsWith(name + " (", StringComparison.Ordinal));

    /// <summary>The name of the profile of a text that lets a program make user namespaces; null when none of it does.</summary>
    public static string? NameOf(string text, string program)
    {
        string? name = null;
        foreach (string? line in text.Split('\n').Select(line => line.Trim()).Where(line => !line.StartsWith('#')))
        {
            if (line.EndsWith('{'))
            {
                // "profile NAME PATH flags=(…) {", where one of the two may be left out.
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

    /// <summary>Removes what the parser compiled of a profile of this module and keeps for the next boot.</summary>
    /// <param name="path">The profile's file.</param>
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
