namespace OpenCloud.Build.Builds;

internal static class DockerfileLocator
{
    /// <summary>The default names; BuildKit's frontend also knows the second.</summary>
    private static readonly string[] Usual = ["Dockerfile", "dockerfile"];

    /// <summary>Finds the file; null when there is none. <c>fromLocation</c> is the given name as a full path, resolved from the user's location.</summary>
    public static string? Find(string directory, string? named, string? fromLocation) =>
        Candidates(directory, named, fromLocation).FirstOrDefault(File.Exists);

    /// <summary>The paths that <see cref="Find"/> tries, in order.</summary>
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
