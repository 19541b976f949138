namespace OpenCloud.Build.Testing;

/// <summary>Texts that a build takes for addresses of a context, and texts that it takes for paths: the client and the definitions decide alike.</summary>
public static class ContextAddresses
{
    /// <summary>A text, and whether it is an address.</summary>
    public static IEnumerable<object[]> All =>
    [
        ["https://host.local/a.git", true],
        ["HTTP://host.local/a", true],
        ["git://host.local/a", true],
        ["SSH://git@host.local/a", true],
        ["git@host.local:a", true],
        ["me@host.local:a", true],
        ["github.com/a/b", true],
        ["git@host.local/a", false],
        ["git@x/../../root/.ssh", false],
        ["GIT@x/a", false],
        ["github.company/a", false],
        ["ftp://host.local/a", false],
        ["docker-image://a", false],
        [" https://host.local/a", false],
        ["a", false],
        ["/a", false],
    ];
}
