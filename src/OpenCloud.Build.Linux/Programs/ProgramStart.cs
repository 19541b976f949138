using System.ComponentModel;
using System.Runtime.CompilerServices;
using CliWrap;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>
/// Starts programs with CliWrap, which creates the pipes, feeds and reads them concurrently, waits for the end and, when cancelled, kills the
/// process with its children. Only this file names CliWrap, so its assembly is loaded with the first program that runs.
/// </summary>
/// <remarks>
/// What CliWrap does not do is done here and in <see cref="RunningProgram"/>. It finds a bare name as <c>Process.Start</c> does: it gets
/// absolute paths only. It adds to the process's environment: that is replaced. It joins arguments to one line, quoted by the rules of
/// Windows, which .NET then takes apart: they are handed over as a list. It starts no session: setsid(1) does, and becomes the
/// program. Its credentials are Windows': setpriv(1) becomes another user where that is needed. It signals one process: kill(2) signals
/// the group. Descriptors need nothing: .NET opens all of its own with O_CLOEXEC.
/// </remarks>
internal static class ProgramStart
{
    /// <summary>Starts a program; the task ends when the program has ended and its outputs are closed.</summary>
    /// <remarks>
    /// <c>setSid</c> is the path of setsid(1), which starts a new session; null for none. <c>ended</c> receives the exit status when the program
    /// ends, even when its outputs are still open. <c>stop</c> kills the program and its children.
    /// </remarks>
    /// <exception cref="Win32Exception">The program cannot be started.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static (int ProcessId, Task<int> Completion) Start(
        ProgramCommand command,
        string? setSid,
        Func<Stream, CancellationToken, Task> output,
        Func<Stream, CancellationToken, Task> error,
        Action<int> ended,
        CancellationToken stop)
    {
        Command wrapped = Cli.Wrap(setSid ?? command.Path)
            .WithWorkingDirectory(command.Folder)
            .WithValidation(CommandResultValidation.None)
            .WithStandardInputPipe(command.Input.IsEmpty ? PipeSource.Null : PipeSource.FromBytes(command.Input))
            .WithStandardOutputPipe(PipeTarget.Create(output))
            .WithStandardErrorPipe(PipeTarget.Create(error));
        CommandTask<CommandResult> running = wrapped.ExecuteAsync(
            start =>
            {
                start.Arguments = string.Empty;
                if (setSid is not null)
                {
                    start.ArgumentList.Add(command.Path);
                }

                foreach (string argument in command.Arguments)
                {
                    start.ArgumentList.Add(argument);
                }

                start.Environment.Clear();
                foreach ((string name, string value) in command.Environment)
                {
                    start.Environment[name] = value;
                }
            },
            process => process.Exited += (_, _) => ended(CodeOf(process)),
            stop);
        return (running.ProcessId, CodeAsync(running.Task));
    }

    private static int CodeOf(System.Diagnostics.Process process)
    {
        try
        {
            return process.ExitCode;
        }
        catch (InvalidOperationException)
        {
            // CliWrap was faster and has disposed of the process: the task has the status.
            return -1;
        }
    }

    private static async Task<int> CodeAsync(Task<CommandResult> running) => (await running.ConfigureAwait(false)).ExitCode;
}
