namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>The folder of the clone that the tests were built in.</summary>
internal static class RepositoryRoot
{
    /// <summary>An absolute path.</summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "OpenCloud.Build.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"no OpenCloud.Build.slnx in {AppContext.BaseDirectory} or above it");
    }
}
