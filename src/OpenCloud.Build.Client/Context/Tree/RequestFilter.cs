using OpenCloud.Build.Client.Context.Ignore;

namespace OpenCloud.Build.Client.Context.Tree;

internal static class RequestFilter
{
    /// <summary>Prepares a filter. Follow-paths are resolved in the tree immediately and become include patterns.</summary>
    /// <exception cref="ContextException">A pattern is malformed, or the tree cannot be read.</exception>
    public static ContextFilter Create(FileSyncRequest request, ContextTree tree)
    {
        List<byte[]> includes = [.. request.IncludePatterns];
        if (request.FollowPaths.Count > 0 && LinkFollower.Follow(tree, request.FollowPaths) is { } targets)
        {
            includes.AddRange(targets);
            includes = LinkFollower.RemoveCovered(includes) ?? [];
        }

        return new ContextFilter(
            includes.Count > 0 ? PatternMatcher.Compile(includes) : null,
            request.ExcludePatterns.Count > 0 ? PatternMatcher.Compile(request.ExcludePatterns) : null);
    }
}
