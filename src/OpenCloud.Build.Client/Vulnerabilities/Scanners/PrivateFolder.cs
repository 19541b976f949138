namespace OpenCloud.Build.Client.Vulnerabilities.Scanners;

/// <summary>A directory for this process, which only its user can enter; it is removed with everything in it.</summary>
internal sealed class PrivateFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("opencloud-build-").FullName;

    public void Dispose() => TreeRemoval.Remove(Path);
}
