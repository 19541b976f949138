using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>Packages of an SBOM that no record can be about.</summary>
public sealed record UncheckedPackages
{
    /// <summary>The name of the image, or the path of the SBOM.</summary>
    public required string Image { get; init => field = TerminalText.Name(value); }

    /// <summary>The ecosystem, with the release of a distribution; for packages without an ecosystem the type of their package URLs.</summary>
    public required string Kind { get; init => field = TerminalText.Name(value); }

    /// <summary>The number of packages.</summary>
    public int Count { get; init; }

    /// <summary>Whether OSV has an ecosystem for them, and only the data has no record of it.</summary>
    public bool HasEcosystem { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} ({Count})";
}
