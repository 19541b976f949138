using System.Text;
using OpenCloud.Build.Host.Prechecks;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Collects the commands that root must run for a user who installs a rootless engine, as a ready-to-run script. This module never
/// becomes root by itself.
/// </summary>
internal sealed class RootScript(string user)
{
    private readonly List<string> _packages = [];
    private readonly List<string> _lines = [];

    public bool IsEmpty => _packages.Count == 0 && _lines.Count == 0;

    public void Add(RootlessPrecheck check)
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

    public void AddLinger() => _lines.Add($"loginctl enable-linger {user}");

    public override string ToString()
    {
        StringBuilder text = new();
        text.Append("#!/bin/sh\n# Commands that root must run so that ").Append(user).Append(" can run BuildKit without root. Written by Install-BuildKit -Rootless.\nset -eu\n");
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
