namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>A directory that a build declares to the daemon under a name, such as <c>context</c> or <c>dockerfile</c>.</summary>
/// <remarks>
/// The daemon can request everything in a declared directory: patterns and ignore files come from its side and are no
/// security boundary. Declare as little as a build needs.
/// </remarks>
internal abstract class ContextSource
{
    private protected ContextSource(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>The name by which the daemon asks for the directory.</summary>
    public string Name { get; }

    internal abstract ContextTree OpenTree();
}
