using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Linux.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Programs;

/// <summary>Tests that change what a process has once: its current directory and its variables. They run while no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessWide
{
    public const string Name = "process-wide";
}

/// <summary>A folder with programs that leave a mark when they run.</summary>
internal sealed class ProgramFolder : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public ProgramFolder()
    {
        // Others can enter it and leave marks.
        File.SetUnixFileMode(Path, (UnixFileMode)0x1ED);
        Directory.CreateDirectory(Marks);
        File.SetUnixFileMode(Marks, (UnixFileMode)0x3FF);
    }

    public string Path => _folder.Path;

    /// <summary>The names of the programs that ran.</summary>
    public string[] Ran => [.. Directory.GetFiles(Marks).Select(static file => System.IO.Path.GetFileName(file)).Order()];

    private string Marks => System.IO.Path.Join(Path, "marks");

    /// <summary>Adds a program.</summary>
    public string Add(string name, string script = "", uint mode = 0x1ED)
    {
        string path = System.IO.Path.Join(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/bin/sh\necho > '{Marks}/{System.IO.Path.GetFileName(name)}'\n{script}\n");
        File.SetUnixFileMode(path, (UnixFileMode)mode);
        return path;
    }

    /// <summary>Runs one of the system's programs.</summary>
    public static string Run(string program, params string[] arguments)
    {
        ProgramResult result = ProgramRunner.Run(
            new ProgramCommand(ProgramFinder.InSystem(program)!, arguments, ProgramEnvironment.Inherited()), TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }

    public void Dispose() => _folder.Dispose();
}
