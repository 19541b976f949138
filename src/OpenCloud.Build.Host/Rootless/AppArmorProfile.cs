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

    /// <summary>The profile for a program.</summary>
    /// <param name="program">Its path, links followed: the kernel matches that and nothing else.</param>
    public static AppArmorProfile For(string program)
    {
        var name = "opencloud.build." + program.Trim('/').Replace('/', '.');
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

    /// <summary>Whether a text of that directory lets a program make user namespaces.</summary>
    public static bool Lets(string text, string program)
    {
        var inside = false;
        foreach (var line in text.Split('\n').Select(line => line.Trim()).Where(line => !line.StartsWith('#')))
        {
            if (line.EndsWith('{'))
            {
                inside = Regex.IsMatch(line, $"(^|\\s|\"){Regex.Escape(program)}(\"|\\s)", RegexOptions.CultureInvariant);
            }
            else if (line == "}")
            {
                inside = false;
            }
            else if (inside && (line is "userns," || line.StartsWith("userns ", StringComparison.Ordinal)))
            {
                return true;
            }
        }

        return false;
    }
}
