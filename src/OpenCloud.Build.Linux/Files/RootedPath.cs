namespace OpenCloud.Build.Linux.Files;

/// <summary>Opens paths beneath a directory with every symbolic link resolved as if that directory were the root.</summary>
/// <remarks>The kernel does it (<c>openat2</c>, Linux 5.6); where it or a sandbox does not know the call it is done step by step.</remarks>
internal static class RootedPath
{
    // As the kernel's own limit (path_resolution(7)).
    private const int MostLinks = 40;
    private const int MostTries = 8;

    /// <summary>Opens a path; null on failure, with the error number kept.</summary>
    public static FileDescriptor? Open(FileDescriptor root, string path, int flags)
    {
        FileDescriptor? file = null;
        for (int tries = 0; tries < MostTries; tries++)
        {
            file = FileCalls.OpenInRoot(root, path, flags);

            // A rename somewhere while it looked: the kernel asks for another try.
            if (file is not null || FileCalls.LastError != FileCalls.TryAgain)
            {
                break;
            }
        }

        return file is null && FileCalls.LastError is FileCalls.NoSystemCall or FileCalls.NotPermitted or FileCalls.TryAgain
            ? OpenStepwise(root, path, flags)
            : file;
    }

    /// <summary>The same without <c>openat2</c>.</summary>
    internal static FileDescriptor? OpenStepwise(FileDescriptor root, string path, int flags)
    {
        Stack<FileDescriptor> way = new();
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
                    if (way.TryPop(out FileDescriptor? above))
                    {
                        above.Dispose();
                    }

                    continue;
                }

                FileDescriptor directory = way.Count > 0 ? way.Peek() : root;
                FileDescriptor? step = FileCalls.Open(directory.Number, name, FileCalls.PathFlags);
                if (step is null)
                {
                    return null;
                }

                if (FileCalls.StateOf(step).IsLink)
                {
                    string? target = FileCalls.ReadLink(step);
                    step.Dispose();
                    if (target is null || ++links > MostLinks)
                    {
                        FileCalls.LastError = target is null ? FileCalls.LastError : FileCalls.TooManyLinks;
                        return null;
                    }

                    while (target.StartsWith('/') && way.TryPop(out FileDescriptor? above))
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
                return FileCalls.Open(directory.Number, name, flags | FileCalls.NoFollow);
            }

            return FileCalls.Open((way.Count > 0 ? way.Peek() : root).Number, ".", flags);
        }
        finally
        {
            foreach (FileDescriptor step in way)
            {
                step.Dispose();
            }
        }
    }
}
