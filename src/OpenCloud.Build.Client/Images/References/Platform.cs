using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Client.Images.References;

/// <summary>What an image runs on: operating system, architecture and, for some, a variant; always in the normal form.</summary>
/// <remarks>Names and rules: containerd/platforms, platforms.go and database.go.</remarks>
public sealed record Platform
{
    private static readonly HashSet<string> KnownOperatingSystems = new(StringComparer.Ordinal)
    {
        "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd",
        "plan9", "solaris", "windows", "zos",
    };

    private static readonly HashSet<string> KnownArchitectures = new(StringComparer.Ordinal)
    {
        "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle", "mips64",
        "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
    };

    private Platform(string operatingSystem, string architecture, string variant)
    {
        OperatingSystem = operatingSystem;
        Architecture = architecture;
        Variant = variant;
    }

    /// <summary>The platform of this machine, as its images name it.</summary>
    public static Platform Current { get; } = Detect();

    /// <summary>The operating system, as Go names it: <c>linux</c>, <c>windows</c>, <c>darwin</c>, …</summary>
    public string OperatingSystem { get; }

    /// <summary>The architecture, as Go names it: <c>amd64</c>, <c>arm64</c>, <c>386</c>, …</summary>
    public string Architecture { get; }

    /// <summary>The variant: <c>v7</c>, <c>v2</c>, …; empty for most.</summary>
    public string Variant { get; }

    /// <summary>Reads <c>os/architecture[/variant]</c>, or only one of os and architecture; the other is this machine's.</summary>
    /// <exception cref="FormatException">The text is not a platform; the message says why.</exception>
    public static Platform Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out Platform? platform, out string? error)
            ? platform
            : throw new FormatException($"Invalid platform '{text}': {error}");
    }

    /// <summary>Reads <c>os/architecture[/variant]</c>, or only one of os and architecture; the other is this machine's.</summary>
    /// <returns>Whether it is a platform; if not, <paramref name="error"/> says why.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Platform? platform, [NotNullWhen(false)] out string? error)
    {
        platform = null;
        error = null;
        string[] parts = (text ?? "").Split('/');
        if (parts.Length > 3)
        {
            error = "it has more than three components";
            return false;
        }

        for (int i = 0; i < parts.Length && error is null; i++)
        {
            error = CheckPart(parts[i], isOperatingSystem: i == 0);
        }

        if (error is not null)
        {
            return false;
        }

        string os = NormalizeOperatingSystem(parts[0]);
        if (parts.Length == 1)
        {
            (string architecture, string variant) = NormalizeArchitecture(parts[0], "");
            if (KnownOperatingSystems.Contains(os))
            {
                platform = new Platform(os, Current.Architecture, Current is { Architecture: "arm", Variant: not "v7" } ? Current.Variant : "");
            }
            else if (KnownArchitectures.Contains(architecture))
            {
                // v7 is what plain "arm" means.
                platform = new Platform(Current.OperatingSystem, architecture, architecture == "arm" && variant == "v7" ? "" : variant);
            }
            else
            {
                error = "it is neither a known operating system nor a known architecture";
            }
        }
        else if (parts.Length == 2)
        {
            (string architecture, string variant) = NormalizeArchitecture(parts[1], "");
            platform = new Platform(os, architecture, architecture == "arm" && variant == "v7" ? "" : variant);
        }
        else
        {
            (string architecture, string variant) = NormalizeArchitecture(parts[1], parts[2]);
            platform = new Platform(os, architecture, architecture == "arm64" && variant.Length == 0 ? "v8" : variant);
        }

        return error is null;
    }

    /// <summary>Whether both name the same platform once defaults are filled in (<c>arm</c> is <c>arm/v7</c>, <c>arm64/v8</c> is <c>arm64</c>).</summary>
    public bool Matches(Platform other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return OperatingSystem == other.OperatingSystem
            && NormalizeArchitecture(Architecture, Variant) == NormalizeArchitecture(other.Architecture, other.Variant);
    }

    /// <summary><c>os/architecture[/variant]</c></summary>
    public override string ToString() =>
        Variant.Length == 0 ? $"{OperatingSystem}/{Architecture}" : $"{OperatingSystem}/{Architecture}/{Variant}";

    private static string? CheckPart(string part, bool isOperatingSystem)
    {
        if (part.Length == 0)
        {
            return isOperatingSystem ? "the operating system is missing" : "a component is empty";
        }

        foreach (char c in part)
        {
            // A dot is valid only in versions of variants and architectures.
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-') && (c != '.' || isOperatingSystem))
            {
                return c switch
                {
                    '*' => "wildcards are not supported",
                    '(' or ')' => "versions and features of an operating system are not supported",
                    _ => $"'{c}' is not allowed in it",
                };
            }
        }

        return null;
    }

    private static string NormalizeOperatingSystem(string name)
    {
        string lower = name.ToLowerInvariant();
        return lower == "macos" ? "darwin" : lower;
    }

    private static (string Architecture, string Variant) NormalizeArchitecture(string name, string variant) =>
        (name.ToLowerInvariant(), variant.ToLowerInvariant()) switch
        {
            ("i386", _) => ("386", ""),
            ("x86_64" or "x86-64" or "amd64", var v) => ("amd64", v == "v1" ? "" : v),
            ("aarch64" or "arm64", "8" or "v8" or "v8.0") => ("arm64", ""),
            ("aarch64" or "arm64", "9" or "9.0" or "v9.0") => ("arm64", "v9"),
            ("aarch64" or "arm64", var v) => ("arm64", v),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", "" or "7") => ("arm", "v7"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "6") => ("arm", "v6"),
            ("arm", "8") => ("arm", "v8"),
            var other => other,
        };

    private static Platform Detect()
    {
        string os = System.OperatingSystem.IsWindows() ? "windows" : System.OperatingSystem.IsMacOS() ? "darwin" : "linux";
        (string architecture, string variant) = RuntimeInformation.OSArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.X64 => ("amd64", ""),
            System.Runtime.InteropServices.Architecture.X86 => ("386", ""),
            System.Runtime.InteropServices.Architecture.Arm64 => ("arm64", ""),
            System.Runtime.InteropServices.Architecture.Arm => ("arm", "v7"),
            System.Runtime.InteropServices.Architecture.Armv6 => ("arm", "v6"),
            System.Runtime.InteropServices.Architecture.LoongArch64 => ("loong64", ""),
            System.Runtime.InteropServices.Architecture other => (other.ToString().ToLowerInvariant(), ""),
        };
        return new Platform(os, architecture, variant);
    }
}
