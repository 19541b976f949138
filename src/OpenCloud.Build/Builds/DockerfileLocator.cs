namespace OpenCloud.Build.Builds;

/// <summary>Where the Dockerfile of a build is.</summary>
internal static class DockerfileLocator
{
    /// <summary>The names looked for when none is given; BuildKit's frontend knows the second as well.</summary>
    private static readonly string[] Usual = ["Dockerfile", "dockerfile"];

    /// <summary>Finds the file, or null when there is none.</summary>
    /// <param name="directory">The build's directory.</param>
    /// <param name="named">What the user named, or null.</param>
    /// <param name="fromLocation">What <paramref name="named"/> is as a full path, seen from the user's location.</param>
    public static string? Find(string directory, string? named, string? fromLocation) =>
        Candidates(directory, named, fromLocation).FirstOrDefault(File.Exists);

    /// <summary>Where <see cref="Find"/> looks, in this order.</summary>
    public static IEnumerable<string> Candidates(string directory, string? named, string? fromLocation)
    {
        if (named is null)
        {
            return Usual.Select(n => Path.Join(directory, n));
        }

        string inDirectory = Path.IsPathRooted(named) ? named : Path.GetFullPath(Path.Join(directory, named));
        return fromLocation is null ? [inDirectory] : [fromLocation, inDirectory];
    }
}
