namespace OpenCloud.Build.Host.Tests.Fixture;

internal static class RepositoryPaths
{
    public static string Root { get; } = FindRoot();

    // Built in the configuration these tests were built in.
    public static string Driver => Path.Combine(
        Root,
        "tests/fixture/host-driver/bin",
        Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/'))!),
        "net10.0");

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "OpenCloud.Build.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run from the repository.");
        }

        return folder;
    }
}
