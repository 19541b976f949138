using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>Opens paths beneath a directory with every symbolic link resolved as if that directory were the root.</summary>
/// <remarks>The kernel does this (<c>openat2</c>, Linux 5.6). Where the kernel or a sandbox lacks the call, it is done step by step.</remarks>
internal static class RootedPath
{
    // The kernel's own limit (path_resolution(7)).
    private const int MostLinks = 40;
    private const int MostTries = 8;

    private static readonly byte[] EmptyName = [0];

    /// <summary>Opens a path; null on failure, with errno kept.</summary>
    public static SafeFileHandle? Open(SafeFileHandle root, string path, int flags)
    {
        byte[] terminated = DirectoryWalk.Terminated(path);
        SafeFileHandle? file = null;
        for (int tries = 0; tries < MostTries; tries++)
        {
            file = Handle(LinuxCalls.OpenInRoot(DirectoryWalk.Number(root), terminated, flags));

            // Something was renamed meanwhile: the kernel asks for a retry.
            if (file is not null || LinuxCalls.LastError != LinuxCalls.TryAgain)
            {
                break;
            }
        }

        return file is null && LinuxCalls.LastError is LinuxCalls.NoSystemCall or LinuxCalls.NotPermitted or LinuxCalls.TryAgain
            ? OpenStepwise(root, path, flags)
            : file;
    }

    /// <summary>As <c>Open</c>, without <c>openat2</c>.</summary>
    internal static SafeFileHandle? OpenStepwise(SafeFileHandle root, string path, int flags)
    {
        Stack<SafeFileHandle> way = new();
        Stack<string> left = new(path.Split('/').Reverse());
        int links = 0;
        try
        {
            while (left.TryPop(out string? name))
            {
                if (name is "" or ".")
                {
                    continue;
                }

                if (name == "..")
                {
                    // The root is its own parent.
                    if (way.TryPop(out SafeFileHandle? above))
                    {
                        above.Dispose();
                    }

                    continue;
                }

                SafeFileHandle directory = way.Count > 0 ? way.Peek() : root;
                SafeFileHandle? step = OpenAt(directory, name, LinuxCalls.PathOnly | LinuxCalls.NoFollow);
                if (step is null)
                {
                    return null;
                }

                if (DirectoryWalk.StatusOf(step, name).Type == UnixMode.Symlink)
                {
                    string? target = DirectoryWalk.LinkAt(step, EmptyName);
                    step.Dispose();
                    if (target is null || ++links > MostLinks)
                    {
                        LinuxCalls.LastError = target is null ? LinuxCalls.LastError : LinuxCalls.TooManyLinks;
                        return null;
                    }

                    while (target.StartsWith('/') && way.TryPop(out SafeFileHandle? above))
                    {
                        above.Dispose();
                    }

                    foreach (string part in target.Split('/').Reverse())
                    {
                        left.Push(part);
                    }

                    continue;
                }

                if (left.Any(static rest => rest is not ("" or ".")))
                {
                    way.Push(step);
                    continue;
                }

                step.Dispose();
                return OpenAt(directory, name, flags | LinuxCalls.NoFollow);
            }

            return OpenAt(way.Count > 0 ? way.Peek() : root, ".", flags);
        }
        finally
        {
            foreach (SafeFileHandle step in way)
            {
                step.Dispose();
            }
        }
    }

    private static SafeFileHandle? OpenAt(SafeFileHandle directory, string name, int flags)
        => Handle(LinuxCalls.Open(DirectoryWalk.Number(directory), DirectoryWalk.Terminated(name), flags));

    private static SafeFileHandle? Handle(int descriptor) => descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
}
