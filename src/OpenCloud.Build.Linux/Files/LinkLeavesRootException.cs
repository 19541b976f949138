namespace OpenCloud.Build.Linux;

/// <summary>A symbolic link that does not end at a file inside its root directory.</summary>
internal sealed class LinkLeavesRootException : IOException
{
    public LinkLeavesRootException(string path, string target, string root)
        : base($"'{path}' is a symbolic link to '{target}', which is outside '{root}' or does not exist in it")
    {
        Path = path;
        Target = target;
        Root = root;
    }

    public string Path { get; }

    public string Target { get; }

    public string Root { get; }
}
