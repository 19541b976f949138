using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>A resource limit of a step's processes, as for <c>setrlimit</c>.</summary>
/// <param name="Name">The name without RLIMIT_, in lower case: <c>nofile</c>, <c>nproc</c>, …</param>
/// <param name="Soft">The soft limit; -1 for unlimited.</param>
/// <param name="Hard">The hard limit, up to which a process may raise it; -1 for unlimited.</param>
/// <remarks>The names are those that docker/go-units, ulimit.go, takes.</remarks>
public sealed record ResourceLimit(string Name, long Soft, long Hard)
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
    };

    /// <summary>Parses <c>name=soft</c> or <c>name=soft:hard</c>.</summary>
    /// <returns>True when the text is valid; otherwise <paramref name="error"/> has the reason.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ResourceLimit? limit, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        limit = null;
        string[] parts = text.Split('=', 2);
        string[] values = parts.Length == 2 ? parts[1].Split(':') : [];
        string name = parts[0].Trim();
        if (!Names.Contains(name))
        {
            error = $"the limit '{name}' is unknown; use {string.Join(", ", Names)}";
        }
        else if (values.Length is not (1 or 2) || !TryParseValue(values[0], out long soft) || !TryParseValue(values[^1], out long hard))
        {
            error = "a limit is one number, or two numbers in the form soft:hard; -1 means unlimited";
        }
        else if (hard != -1 && (soft == -1 || soft > hard))
        {
            error = "the soft limit is above the hard one";
        }
        else
        {
            limit = new ResourceLimit(name, soft, hard);
            error = null;
            return true;
        }

        return false;
    }

    /// <summary><c>name=soft:hard</c></summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}={Soft}:{Hard}");

    private static bool TryParseValue(string text, out long value) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out value) && value >= -1;
}
