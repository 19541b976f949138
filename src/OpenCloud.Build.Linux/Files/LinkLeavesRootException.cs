namespace OpenCloud.Build.Linux;

/// <summary>A symbolic link does not end at a file beneath the directory that it may not leave.</summary>
internal sealed class LinkLeavesRootException : IOException
{
    /// <param name="path">The link.</param>
    /// <param name="target">What it points to.</param>
    /// <param name="root">The directory that counts as the root.</param>
    public LinkLeavesRootException(string path, string target, string root)
        : base($"'{path}' is a symbolic link to '{target}', which leads out of '{root}' or to nothing in it")
    {
        Path = path;
        Target = target;
        Root = root;
    }

    /// <summary>The link.</summary>
    public string Path { get; }

    /// <summary>What it points to.</summary>
    public string Target { get; }

    /// <summary>The directory that counts as the root.</summary>
    public string Root { get; }
}
