namespace OpenCloud.Build.Linux.Tests;

/// <summary>A folder of a test's own, removed with all in it.</summary>
internal sealed class Scratch : IDisposable
{
    public const uint Stranger = 61234;

    public string Folder { get; } = Directory.CreateTempSubdirectory("ocb-linux-").FullName;

    public string this[string name] => Path.Combine(Folder, name);

    public static bool IsRoot => LinuxCalls.EffectiveUserId == 0;

    public string Text(string name, string text = "text")
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public string SubFolder(string name) => Directory.CreateDirectory(this[name]).FullName;

    public string Fifo(string name)
    {
        if (LinuxCalls.MakeFifo(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(this[name]), 0x1B6) != 0)
        {
            throw LinuxCalls.Failure("Cannot make", name, LinuxCalls.LastError);
        }

        return this[name];
    }

    public string Link(string name, string target)
    {
        File.CreateSymbolicLink(this[name], target);
        return this[name];
    }

    public void Dispose() => TreeRemoval.Remove(Folder);
}
