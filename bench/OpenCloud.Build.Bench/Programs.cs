namespace OpenCloud.Build.Bench;

/// <summary>Programs on PATH and places in the repository.</summary>
internal static class Programs
{
    /// <summary>The repository that this harness was built in.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The helper that runs real engines from Debian's packages.</summary>
    public static string Fixture => Path.Join(Repository, "tests", "fixture", "engine");

    /// <summary>The program's full path, links followed; null when PATH does not have it.</summary>
    public static string? Find(string name)
    {
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            FileInfo file = new(Path.Join(folder, name));
            if (file.Exists)
            {
                return file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName;
            }
        }

        return null;
    }

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Join(folder.FullName, "OpenCloud.Build.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new BenchException("The bench runs from a clone of the repository only: OpenCloud.Build.slnx is in no folder above it.");
    }
}
