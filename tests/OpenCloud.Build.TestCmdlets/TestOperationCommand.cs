using System.Management.Automation;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.TestCmdlets;

/// <summary>Runs an operation that posts, waits, asks or fails.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Operation", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
public sealed class TestOperationCommand : BuildCmdlet
{
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateSet("Post", "Flood", "LongLines", "Progress", "Hang", "Stubborn", "Throw", "ThrowAfterProgress", "Ask", "Quiet")]
    public string Kind { get; set; } = "";

    [Parameter]
    public int Count { get; set; } = 1000;

    protected override void ProcessRecord()
    {
        int thread = Environment.CurrentManagedThreadId;
        RunAsync(async (poster, cancellationToken) =>
        {
            // From here on not the pipeline's thread.
            if (Environment.CurrentManagedThreadId == thread)
            {
                throw new InvalidOperationException("The operation runs on the pipeline's thread.");
            }

            switch (Kind)
            {
                case "Post":
                    poster.Verbose("verbose");
                    poster.Warning("warning");
                    poster.Error(new ErrorRecord(new InvalidOperationException("error"), "TestError", ErrorCategory.InvalidOperation, null));
                    poster.Output("object");
                    break;
                case "Flood":
                    for (int i = 0; i < Count; i++)
                    {
                        poster.Output(i);
                        poster.Verbose("line");
                        await (i % 100 == 0 ? Task.Delay(0, cancellationToken) : Task.CompletedTask);
                    }

                    break;
                case "LongLines":
                    for (int i = 0; i < Count; i++)
                    {
                        poster.Verbose(new string('x', 1 << 20));
                    }

                    break;
                case "Progress":
                    for (int i = 0; i < Count; i++)
                    {
                        poster.Progress(Snapshot(i, Count));
                        await Task.Delay(1, cancellationToken);
                    }

                    break;
                case "Hang":
                    poster.Progress(Snapshot(1, 2));
                    poster.Output("started");
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                    break;
                case "Stubborn":
                    // Deaf to its token.
                    poster.Output("started");
                    await Task.Delay(TimeSpan.FromSeconds(10), CancellationToken.None);
                    break;
                case "Throw":
                    throw new FileNotFoundException("thrown by the operation");
                case "ThrowAfterProgress":
                    poster.Progress(Snapshot(1, 2));
                    await poster.InvokeAsync(static () => 0);
                    await Task.Delay(250, cancellationToken);
                    throw new FileNotFoundException("thrown by the operation");
                case "Ask":
                    poster.Output(await poster.InvokeAsync(() => Environment.CurrentManagedThreadId == thread && ShouldProcess("target", "action")));
                    break;
                default:
                    break;
            }
        });
    }

    private static ProgressSnapshot Snapshot(int i, int count) => new(
        "activity\u001b[31m",
        "status",
        i * 100 / count,
        [new StepProgress("always", "step", "running"), new StepProgress($"step {i / 100}", $"step {i / 100}", $"at {i}")]);
}
