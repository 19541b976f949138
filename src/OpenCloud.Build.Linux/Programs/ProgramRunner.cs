namespace OpenCloud.Build.Linux.Programs;

/// <summary>Runs programs to their end. All code of this project starts programs here or with <see cref="RunningProgram"/>.</summary>
internal static class ProgramRunner
{
    /// <summary>Runs a program and waits without holding a thread. It starts on the caller's thread, with that thread's credentials.</summary>
    /// <exception cref="TimeoutException">The program ran too long; it and its process group are killed.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the program and its process group are killed.</exception>
    public static async Task<ProgramResult> RunAsync(ProgramCommand command, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ProgramOutput output = new(command.OutputLimit);
        ProgramOutput error = new(command.OutputLimit);
        RunningProgram program = RunningProgram.Start(command, output.ReadAsync, error.ReadAsync);
        await using (program.ConfigureAwait(false))
        {
            try
            {
                int code = await program.Completion.WaitAsync(command.Timeout ?? Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
                return new ProgramResult(code, output.Text, error.Text, output.IsTruncated || error.IsTruncated);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"'{command.Path}' did not end within {command.Timeout?.TotalSeconds} s.");
            }
        }
    }

    /// <summary>Runs a program and blocks the calling thread until it ends.</summary>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public static ProgramResult Run(ProgramCommand command, CancellationToken cancellationToken = default)
        => RunAsync(command, cancellationToken).GetAwaiter().GetResult();
}
