
namespace OpenCloud.Build.Host.Tests.Fixture;

internal static class RepositoryPaths
{
    public static string Root => RepositoryRoot.Path;

    // Built in the configuration these tests were built in.
    public static string Driver => Path.Combine(
        Root,
        "tests/fixture/host-driver/bin",
        Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/'))!),
        "net10.0");
}
