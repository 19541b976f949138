using System.Text;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>
/// What root has to do for a user who installs an engine without root, as a script ready to be run: this module never becomes
/// root by itself.
/// </summary>
internal sealed class RootScript(string user)
{
    private readonly List<string> _packages = [];
    private readonly List<string> _lines = [];

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => _packages.Count == 0 && _lines.Count == 0;

    /// <summary>Adds what mends a trap.</summary>
    public void Add(RootlessCheck check)
    {
        if (check.Package is not null)
        {
            if (!_packages.Contains(check.Package))
            {
                _packages.Add(check.Package);
            }

            return;
        }

        foreach (string? line in check.RootCommands.Where(line => !_lines.Contains(line)))
        {
            _lines.Add(line);
        }
    }

    /// <summary>Adds that the user's service manager runs from boot on.</summary>
    public void AddLinger() => _lines.Add($"loginctl enable-linger {user}");

    /// <summary>The script.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append("#!/bin/sh\n# What root has to do so that ").Append(user).Append(" can run BuildKit without root. Written by Install-BuildKit -Rootless.\nset -eu\n");
        if (_packages.Count > 0)
        {
            text.Append("apt-get install -y --no-install-recommends ").Append(string.Join(' ', _packages)).Append('\n');
        }

        foreach (string line in _lines)
        {
            text.Append(line).Append('\n');
        }

        return text.ToString();
    }
}
