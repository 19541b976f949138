namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>A directory that a build declares to the daemon under a name, such as <c>context</c> or <c>dockerfile</c>.</summary>
/// <remarks>
/// Everything in a declared directory can be asked for: patterns and ignore files come from the daemon's side and are no
/// security boundary. Declare as little as a build needs.
/// </remarks>
public abstract class ContextSource
{
    private protected ContextSource(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>The name by which the daemon asks for the directory.</summary>
    public string Name { get; }

    /// <summary>Opens the files for one transfer.</summary>
    internal abstract ContextTree OpenTree();
}
